"""What the operations on every kind of resource have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.sagemaker.api.exceptions import ServiceError, ValidationException
from embedded_aws.sagemaker.api.operations import Output, Request
from embedded_aws.sagemaker.api.service_model import operation_model
from embedded_aws.sagemaker.registry import AlreadyExists, StoredResource
from embedded_aws.sagemaker.service import Service

_RESERVED_PREFIX = "aws:"


def create_resource(
    service: Service,
    resource: StoredResource,
    tags: Mapping[str, str],
    taken: str,
    error: type[ServiceError] = ValidationException,
) -> None:
    """Store a new resource; raises `error` with the sentence `taken` when its name is in use."""
    try:
        service.account.registry.create(resource, tags)
    except AlreadyExists as exists:
        raise error(taken) from exists


def described(operation: str, resource: StoredResource, **members: Any) -> Output:
    """A Describe answer: what the body holds of the members that the operation's output declares, and `members`."""
    shape = operation_model(operation).output_shape
    declared = shape.members if shape is not None else {}
    known = {"CreationTime": resource.created, "LastModifiedTime": resource.modified, **resource.body, **members}
    return {name: value for name, value in known.items() if name in declared}


def require_tags(request: Request) -> dict[str, str]:
    """The request's tags by key; raises ValidationException for keys that repeat or are AWS's own."""
    pairs = request.get("Tags", [])
    tags = {pair["Key"]: pair["Value"] for pair in pairs}
    if len(tags) < len(pairs):
        raise ValidationException("Duplicate tag keys found. Please note that tag keys are case insensitive.")
    if any(key.lower().startswith(_RESERVED_PREFIX) for key in tags):
        raise ValidationException("aws: prefixed tag key names are not allowed for external use.")
    return tags
