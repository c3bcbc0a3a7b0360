"""Endpoints: configurations in service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from embedded_aws.sagemaker.api import models
from embedded_aws.sagemaker.api.endpoint_configs import require_endpoint_config
from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.listing import list_page
from embedded_aws.sagemaker.api.operations import Operation, Output, Request, in_thread
from embedded_aws.sagemaker.api.resources import create_resource, described, require_tags
from embedded_aws.sagemaker.endpoints.deployment import VariantPlan
from embedded_aws.sagemaker.endpoints.fleet import KIND
from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.service import Service

_KINDS = ("variants", "shadows")
_NOT_HERE = ("DeploymentConfig", "RetainAllVariantProperties", "ExcludeRetainedVariantProperties")


def _require_endpoint(service: Service, name: str) -> StoredResource:
    """The endpoint of that name; raises ValidationException when there is none."""
    endpoint = service.account.registry.get(KIND, name)
    if endpoint is None:
        raise ValidationException(f'Could not find endpoint "{service.account.arn(KIND, name)}".')
    return endpoint


async def _create(service: Service, request: Request) -> Output:
    endpoint = await asyncio.to_thread(_store_new, service, request)
    service.fleet.begin(service.fleet.serve(endpoint.name, endpoint.body["Serving"]))
    return {"EndpointArn": endpoint.arn}


def _store_new(service: Service, request: Request) -> StoredResource:
    name = request["EndpointName"]
    tags = require_tags(request)
    body = {"Serving": _plan(service, request["EndpointConfigName"]), "Next": None, "FailureReason": None}
    endpoint = StoredResource(KIND, name, service.account.arn(KIND, name), "Creating", body=body)
    create_resource(service, endpoint, tags, f'Cannot create already existing endpoint "{endpoint.arn}".')
    return endpoint


async def _update(service: Service, request: Request) -> Output:
    for member in _NOT_HERE:
        if request.get(member):
            raise ValidationException(f"The embedded SageMaker does not support {member}. Leave it out.")
    plan = await asyncio.to_thread(_plan, service, request["EndpointConfigName"])
    endpoint = await asyncio.to_thread(_mark, service, request["EndpointName"], "Updating", lambda _endpoint: plan)
    service.fleet.begin(service.fleet.serve(endpoint.name, plan))
    return {"EndpointArn": endpoint.arn}


async def _update_weights_and_capacities(service: Service, request: Request) -> Output:
    desired = {item["VariantName"]: item for item in request["DesiredWeightsAndCapacities"]}

    def adjust(endpoint: StoredResource) -> dict[str, Any]:
        return _adjusted_plan(endpoint, desired)

    endpoint = await asyncio.to_thread(_mark, service, request["EndpointName"], "Updating", adjust)
    serving, following = endpoint.body["Serving"], endpoint.body["Next"]
    only_weights = _instances(serving) == _instances(following)
    change = service.fleet.reweigh if only_weights else service.fleet.serve
    service.fleet.begin(change(endpoint.name, following))
    return {"EndpointArn": endpoint.arn}


async def _delete(service: Service, request: Request) -> Output:
    endpoint = await asyncio.to_thread(_mark, service, request["EndpointName"], "Deleting", lambda _endpoint: None)
    service.fleet.begin(service.fleet.take_down(endpoint.name))
    return {}


def _mark(
    service: Service, name: str, status: str, plan: Callable[[StoredResource], dict[str, Any] | None]
) -> StoredResource:
    """Begin a change, at most one at a time; in AWS's words a deletion is an update, too."""

    def change(endpoint: StoredResource) -> StoredResource:
        if endpoint.status == "Failed" and status == "Updating":
            raise ValidationException(f'Cannot update endpoint "{endpoint.arn}": it is Failed. Delete it instead.')
        is_given_up = status == "Deleting" and service.fleet.is_restoring(name)
        if endpoint.status not in ("InService", "Failed") and not is_given_up:
            raise ValidationException(f'Cannot update in-progress endpoint "{endpoint.arn}".')
        return endpoint.changed(status, Next=plan(endpoint))

    changed = service.account.registry.update(KIND, name, change)
    if changed is None:
        raise ValidationException(f'Could not find endpoint "{service.account.arn(KIND, name)}".')
    return changed


def _describe(service: Service, request: Request) -> Output:
    endpoint = _require_endpoint(service, request["EndpointName"])
    serving, following = endpoint.body["Serving"], endpoint.body["Next"]
    members: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointStatus": endpoint.status,
        "EndpointConfigName": (following or serving)["config"],
    }
    if endpoint.status not in ("Creating", "Failed"):
        members["ProductionVariants"] = _summaries("variants", endpoint)
        members["ShadowProductionVariants"] = _summaries("shadows", endpoint) or None
    if serving["capture"]:
        members["DataCaptureConfig"] = _capture_summary(serving["capture"])
    output = described("DescribeEndpoint", endpoint, **members)
    return {name: value for name, value in output.items() if value is not None}


def _summaries(kind: str, endpoint: StoredResource) -> list[dict[str, Any]]:
    """The production variants, or the shadows, that serve, each with what is wanted of it."""
    wanted = {item["name"]: item for item in (endpoint.body["Next"] or {}).get(kind, [])}
    serving = endpoint.body["Serving"].get(kind, [])
    return [_variant_summary(variant, endpoint, wanted.get(variant["name"], variant)) for variant in serving]


def _variant_summary(variant: dict[str, Any], endpoint: StoredResource, wanted: dict[str, Any]) -> dict[str, Any]:
    image = {
        "SpecifiedImage": variant["image"],
        "ResolvedImage": variant["image"],
        "ResolutionTime": endpoint.modified,
    }
    return {
        "VariantName": variant["name"],
        "DeployedImages": [image],
        "CurrentWeight": variant["weight"],
        "DesiredWeight": wanted["weight"],
        "CurrentInstanceCount": variant["instances"],
        "DesiredInstanceCount": wanted["instances"],
    }


def _capture_summary(capture: dict[str, Any]) -> dict[str, Any]:
    return {
        "EnableCapture": capture["EnableCapture"],
        "CaptureStatus": "Started" if capture["EnableCapture"] else "Stopped",
        "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
        "DestinationS3Uri": capture["DestinationS3Uri"],
        "KmsKeyId": capture.get("KmsKeyId", ""),
    }


def _list(service: Service, request: Request) -> Output:
    return list_page(service.account.registry, KIND, request, "Endpoints", _summary)


def _summary(endpoint: StoredResource) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
        "EndpointStatus": endpoint.status,
    }


def _plan(service: Service, config_name: str) -> dict[str, Any]:
    """All that is needed to serve a configuration, so that an endpoint outlives its configuration and models."""
    config = require_endpoint_config(service, config_name)
    variants, shadows = (
        [asdict(_variant_plan(service, variant)) for variant in config.body.get(member, [])]
        for member in ("ProductionVariants", "ShadowProductionVariants")
    )
    capture = config.body.get("DataCaptureConfig")
    return {"config": config.name, "variants": variants, "shadows": shadows, "capture": capture}


def _variant_plan(service: Service, variant: dict[str, Any]) -> VariantPlan:
    model = models.require_model(service, variant["ModelName"])
    container = models.container(model)
    url = models.model_data_url(model)
    if url is None:
        raise ValidationException(f"Model {model.name} has no ModelDataUrl, and its image needs one to serve.")
    return VariantPlan(
        name=variant["VariantName"],
        weight=variant["InitialVariantWeight"],
        instances=variant.get("InitialInstanceCount", 1),
        image=container["Image"],
        model_data=url,
        variables=container["Environment"],
    )


def _adjusted_plan(endpoint: StoredResource, desired: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the endpoint serves, with other weights and numbers of instances."""
    plan: dict[str, Any] = endpoint.body["Serving"]
    unknown = desired.keys() - {variant["name"] for kind in _KINDS for variant in plan.get(kind, [])}
    if unknown:
        raise ValidationException(f"Variant(s) {', '.join(sorted(unknown))} not found in endpoint {endpoint.name}.")
    return plan | {
        kind: [_adjusted(variant, desired.get(variant["name"], {})) for variant in plan.get(kind, [])]
        for kind in _KINDS
    }


def _instances(plan: dict[str, Any]) -> list[int]:
    return [variant["instances"] for kind in _KINDS for variant in plan.get(kind, [])]


def _adjusted(variant: dict[str, Any], desired: dict[str, Any]) -> dict[str, Any]:
    return {
        **variant,
        "weight": desired.get("DesiredWeight", variant["weight"]),
        "instances": desired.get("DesiredInstanceCount", variant["instances"]),
    }


OPERATIONS: dict[str, Operation] = {
    "CreateEndpoint": _create,
    "DescribeEndpoint": in_thread(_describe),
    "ListEndpoints": in_thread(_list),
    "UpdateEndpoint": _update,
    "UpdateEndpointWeightsAndCapacities": _update_weights_and_capacities,
    "DeleteEndpoint": _delete,
}
