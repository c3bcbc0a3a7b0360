"""Models: an image and the artifact of a training job under a name."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from backend.local_aws.sagemaker import images
from backend.local_aws.sagemaker.errors import ValidationException
from backend.local_aws.sagemaker.listing import list_page
from backend.local_aws.sagemaker.operations import Operation, Output, Request, in_thread
from backend.local_aws.sagemaker.resources import create_resource, described, require_tags
from backend.local_aws.sagemaker.s3_uri import S3Uri
from backend.local_aws.sagemaker.service import Service
from backend.local_aws.sagemaker.store import Resource

KIND = "model"


def container(model: Resource) -> dict[str, Any]:
    """The one container of a model, however it was given."""
    return model.body.get("PrimaryContainer") or model.body["Containers"][0]  # type: ignore[no-any-return]


def model_data_url(model: Resource) -> str | None:
    """Where the model's model.tar.gz is in S3; None for an image without one."""
    given = container(model)
    url: str | None = given.get("ModelDataUrl") or _data_source(given).get("S3Uri")
    return url


def require_model(service: Service, name: str) -> Resource:
    """The model of that name; raises ValidationException when there is none."""
    model = service.store.get(KIND, name)
    if model is None:
        raise ValidationException(f'Could not find model "{service.arn(KIND, name)}".')
    return model


def _create(service: Service, request: Request) -> Output:
    name = request["ModelName"]
    model = Resource(KIND, name, service.arn(KIND, name), body=_with_defaults(request))
    tags = require_tags(request)
    _require_one_container(request)
    images.require_runnable(container(model).get("Image", ""))
    _require_model_data(service, model)
    create_resource(service, model, tags, f'Cannot create already existing model "{model.arn}".')
    return {"ModelArn": model.arn}


def _describe(service: Service, request: Request) -> Output:
    model = require_model(service, request["ModelName"])
    return described("DescribeModel", model, ModelName=model.name, ModelArn=model.arn)


def _list(service: Service, request: Request) -> Output:
    return list_page(service.store, KIND, request, "Models", _summary)


def _delete(service: Service, request: Request) -> Output:
    """Delete a model; endpoints that serve it go on, as on SageMaker."""
    model = require_model(service, request["ModelName"])
    service.store.delete(KIND, model.name)
    return {}


def _summary(model: Resource) -> dict[str, Any]:
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


def _require_model_data(service: Service, model: Resource) -> None:
    source = _data_source(container(model))
    if source and (source["S3DataType"], source["CompressionType"]) != ("S3Object", "Gzip"):
        raise ValidationException("The embedded SageMaker takes model data as one model.tar.gz: S3Object and Gzip.")
    url = model_data_url(model)
    if url is None:
        return
    uri = S3Uri.parse(url)
    try:
        service.s3.head_object(Bucket=uri.bucket, Key=uri.key)
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
