"""Tags of resources, by ARN."""

from __future__ import annotations

from backend.local_aws.sagemaker.errors import ValidationException
from backend.local_aws.sagemaker.operations import Operation, Output, Request, in_thread
from backend.local_aws.sagemaker.resources import require_tags
from backend.local_aws.sagemaker.service import Service

_MAX_TAGS = 50


def _add(service: Service, request: Request) -> Output:
    """Add or replace tags; answers with all that the resource has then."""
    tags = require_tags(request)
    with service.store.transaction():
        arn = _require_resource(service, request["ResourceArn"])
        service.store.put_tags(arn, tags)
        everything = service.store.tags(arn)
        if len(everything) > _MAX_TAGS:
            raise ValidationException(f"A resource can have {_MAX_TAGS} tags; {arn} would have {len(everything)}.")
    return {"Tags": _pairs(everything)}


def _list(service: Service, request: Request) -> Output:
    """All tags at once: there are never more than fit on the smallest page that SageMaker lets a caller ask for."""
    if "NextToken" in request:
        raise ValidationException("Invalid NextToken: it was not given out by this operation.")
    return {"Tags": _pairs(service.store.tags(_require_resource(service, request["ResourceArn"])))}


def _delete(service: Service, request: Request) -> Output:
    arn = _require_resource(service, request["ResourceArn"])
    service.store.delete_tags(arn, request["TagKeys"])
    return {}


def _require_resource(service: Service, arn: str) -> str:
    """The stored ARN; SageMaker's are in lower case whatever the name's is."""
    resource = service.store.find(arn.lower())
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
