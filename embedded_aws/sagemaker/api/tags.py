"""Tags of resources, by ARN."""

from __future__ import annotations

from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.operations import Operation, Output, Request, in_thread
from embedded_aws.sagemaker.api.resources import require_tags
from embedded_aws.sagemaker.service import Service

_MAX_TAGS = 50


def _add(service: Service, request: Request) -> Output:
    """Add or replace tags; answers with all that the resource has then."""
    tags = require_tags(request)
    with service.account.registry.transaction():
        arn = _require_resource(service, request["ResourceArn"])
        service.account.registry.put_tags(arn, tags)
        everything = service.account.registry.tags(arn)
        if len(everything) > _MAX_TAGS:
            raise ValidationException(f"A resource can have {_MAX_TAGS} tags; {arn} would have {len(everything)}.")
    return {"Tags": _pairs(everything)}


def _list(service: Service, request: Request) -> Output:
    """All tags at once: there are never more than fit on the smallest page that SageMaker lets a caller ask for."""
    if "NextToken" in request:
        raise ValidationException("Invalid NextToken: it was not given out by this operation.")
    return {"Tags": _pairs(service.account.registry.tags(_require_resource(service, request["ResourceArn"])))}


def _delete(service: Service, request: Request) -> Output:
    arn = _require_resource(service, request["ResourceArn"])
    service.account.registry.delete_tags(arn, request["TagKeys"])
    return {}


def _require_resource(service: Service, arn: str) -> str:
    """The stored ARN; SageMaker's are in lower case whatever the name's is."""
    resource = service.account.registry.find(arn.lower())
    if resource is None:
        raise ValidationException(f'Could not find resource "{arn}".')
    return resource.arn


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS: dict[str, Operation] = {
    "AddTags": in_thread(_add),
    "ListTags": in_thread(_list),
    "DeleteTags": in_thread(_delete),
}
