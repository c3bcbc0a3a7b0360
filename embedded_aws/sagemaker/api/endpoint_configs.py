"""Endpoint configurations: which models an endpoint serves, on what, and what it captures."""

from __future__ import annotations

from typing import Any

from embedded_aws.sagemaker.api import models
from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.listing import list_page
from embedded_aws.sagemaker.api.operations import Operation, Output, Request, in_thread
from embedded_aws.sagemaker.api.resources import create_resource, described, require_tags
from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.service import Service

KIND = "endpoint-config"
_NOT_HERE = ("AsyncInferenceConfig", "ExplainerConfig")
_SHADOWS = "ShadowProductionVariants"


def require_endpoint_config(service: Service, name: str) -> StoredResource:
    """The endpoint configuration of that name; raises ValidationException when there is none."""
    config = service.account.registry.get(KIND, name)
    if config is None:
        raise ValidationException(f'Could not find endpoint configuration "{service.account.arn(KIND, name)}".')
    return config


def _create(service: Service, request: Request) -> Output:
    name = request["EndpointConfigName"]
    tags = require_tags(request)
    _require_supported(request)
    _require_variants(service, [*request["ProductionVariants"], *request.get(_SHADOWS, [])])
    _require_one_shadow(request)
    config = StoredResource(KIND, name, service.account.arn(KIND, name), body=_with_defaults(request))
    taken = f'Cannot create already existing endpoint configuration "{config.arn}".'
    create_resource(service, config, tags, taken)
    return {"EndpointConfigArn": config.arn}


def _describe(service: Service, request: Request) -> Output:
    config = require_endpoint_config(service, request["EndpointConfigName"])
    return described("DescribeEndpointConfig", config, EndpointConfigName=config.name, EndpointConfigArn=config.arn)


def _list(service: Service, request: Request) -> Output:
    return list_page(service.account.registry, KIND, request, "EndpointConfigs", _summary)


def _delete(service: Service, request: Request) -> Output:
    """Delete a configuration. SageMaker lets one go that an endpoint still uses: the endpoint serves on."""
    config = require_endpoint_config(service, request["EndpointConfigName"])
    service.account.registry.delete(KIND, config.name)
    return {}


def _summary(config: StoredResource) -> dict[str, Any]:
    return {"EndpointConfigName": config.name, "EndpointConfigArn": config.arn, "CreationTime": config.created}


def _with_defaults(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = {"EnableNetworkIsolation": False, **request}
    for member in {"ProductionVariants", _SHADOWS} & body.keys():
        body[member] = [{"InitialVariantWeight": 1.0} | variant for variant in body[member]]
    if "DataCaptureConfig" in body:
        body["DataCaptureConfig"] = {"EnableCapture": True} | body["DataCaptureConfig"]
    return body


def _require_supported(request: Request) -> None:
    for member in _NOT_HERE:
        if member in request:
            raise ValidationException(f"The embedded SageMaker does not support {member}. Leave it out.")


def _require_variants(service: Service, variants: list[dict[str, Any]]) -> None:
    names = [variant["VariantName"] for variant in variants]
    if len(set(names)) < len(names):
        raise ValidationException(f"Production variant names must be unique, but they are: {', '.join(names)}.")
    for variant in variants:
        _require_variant(service, variant)


def _require_one_shadow(request: Request) -> None:
    """A shadow variant copies what one production variant is asked. Source: API reference, CreateEndpointConfig."""
    shadows = request.get(_SHADOWS, [])
    if shadows and not len(shadows) == len(request["ProductionVariants"]) == 1:
        raise ValidationException(f"With {_SHADOWS}, give one production variant and one shadow variant.")
    for shadow in shadows:
        if "ServerlessConfig" in shadow:
            raise ValidationException(f"Shadow variant {shadow['VariantName']} cannot be serverless.")


def _require_variant(service: Service, variant: dict[str, Any]) -> None:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise ValidationException(
            f"Production variant {name} needs a ModelName: the embedded SageMaker has no inference components."
        )
    if "ServerlessConfig" not in variant and not {"InstanceType", "InitialInstanceCount"} <= variant.keys():
        raise ValidationException(
            f"Production variant {name} needs an InstanceType and an InitialInstanceCount, or a ServerlessConfig."
        )
    models.require_model(service, variant["ModelName"])


OPERATIONS: dict[str, Operation] = {
    "CreateEndpointConfig": in_thread(_create),
    "DescribeEndpointConfig": in_thread(_describe),
    "ListEndpointConfigs": in_thread(_list),
    "DeleteEndpointConfig": in_thread(_delete),
}
