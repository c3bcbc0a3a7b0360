"""Models: an image and the artifact of a training job under a name."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from embedded_aws.sagemaker.api import algorithm_images
from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.listing import list_page
from embedded_aws.sagemaker.api.operations import Operation, Output, Request, in_thread
from embedded_aws.sagemaker.api.resources import create_resource, described, require_tags
from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.s3_uri import S3Uri
from embedded_aws.sagemaker.service import Service

KIND = "model"


def container(model: StoredResource) -> dict[str, Any]:
    """The one container of a model, however it was given."""
    return model.body.get("PrimaryContainer") or model.body["Containers"][0]  # type: ignore[no-any-return]


def model_data_url(model: StoredResource) -> str | None:
    """Where the model's model.tar.gz is in S3; None for an image without one."""
    given = container(model)
    url: str | None = given.get("ModelDataUrl") or _data_source(given).get("S3Uri")
    return url


def require_model(service: Service, name: str) -> StoredResource:
    """The model of that name; raises ValidationException when there is none."""
    model = service.account.registry.get(KIND, name)
    if model is None:
        raise ValidationException(f'Could not find model "{service.account.arn(KIND, name)}".')
    return model


def _create(service: Service, request: Request) -> Output:
    name = request["ModelName"]
    model = StoredResource(KIND, name, service.account.arn(KIND, name), body=_with_defaults(request))
    tags = require_tags(request)
    _require_one_container(request)
    algorithm_images.require_runnable(container(model).get("Image", ""))
    _require_model_data(service, model)
    create_resource(service, model, tags, f'Cannot create already existing model "{model.arn}".')
    return {"ModelArn": model.arn}


def _describe(service: Service, request: Request) -> Output:
    model = require_model(service, request["ModelName"])
    return described("DescribeModel", model, ModelName=model.name, ModelArn=model.arn)


def _list(service: Service, request: Request) -> Output:
    return list_page(service.account.registry, KIND, request, "Models", _summary)


def _delete(service: Service, request: Request) -> Output:
    """Delete a model; endpoints that serve it go on, as on SageMaker."""
    model = require_model(service, request["ModelName"])
    service.account.registry.delete(KIND, model.name)
    return {}


def _summary(model: StoredResource) -> dict[str, Any]:
    return {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": model.created}


def _with_defaults(request: Request) -> dict[str, Any]:
    """What is described later: SageMaker fills in what a request leaves open."""
    defaults: dict[str, Any] = {"Mode": "SingleModel", "Environment": {}}
    body: dict[str, Any] = {"EnableNetworkIsolation": False, **request}
    if "PrimaryContainer" in body:
        body["PrimaryContainer"] = defaults | body["PrimaryContainer"]
    if "Containers" in body:
        body["Containers"] = [defaults | item for item in body["Containers"]]
    return body


def _require_one_container(request: Request) -> None:
    given = len(request.get("Containers", [])) + ("PrimaryContainer" in request)
    if given != 1:
        raise ValidationException(
            "A model needs one container here, in PrimaryContainer or Containers: the embedded SageMaker runs no "
            f"inference pipelines. The request has {given}."
        )


def _require_model_data(service: Service, model: StoredResource) -> None:
    source = _data_source(container(model))
    if source and (source["S3DataType"], source["CompressionType"]) != ("S3Object", "Gzip"):
        raise ValidationException("The embedded SageMaker takes model data as one model.tar.gz: S3Object and Gzip.")
    url = model_data_url(model)
    if url is None:
        return
    uri = S3Uri.parse(url)
    try:
        service.account.s3.head_object(Bucket=uri.bucket, Key=uri.key)
    except (ClientError, ParamValidationError) as error:
        raise ValidationException(f"Could not find model data at {url}.") from error


def _data_source(given: dict[str, Any]) -> dict[str, Any]:
    source: dict[str, Any] = given.get("ModelDataSource", {}).get("S3DataSource", {})
    return source


OPERATIONS: dict[str, Operation] = {
    "CreateModel": in_thread(_create),
    "DescribeModel": in_thread(_describe),
    "ListModels": in_thread(_list),
    "DeleteModel": in_thread(_delete),
}
