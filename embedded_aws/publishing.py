"""The task sns:publish with its message attributes, as Step Functions passes them on (MiniStack 1.5.33)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TASK = "arn:aws:states:::sns:publish"


def install() -> None:
    """Give MiniStack's SNS the attributes of a task as those of a request, the only form in which it knows them."""
    from ministack.services import stepfunctions

    publish = stepfunctions._SERVICE_DISPATCH[_TASK]

    def publish_with_attributes(resource: str, parameters: Mapping[str, Any]) -> Any:
        return publish(resource, {**parameters, **_as_request(parameters.get("MessageAttributes") or {})})

    stepfunctions._SERVICE_DISPATCH[_TASK] = publish_with_attributes


def _as_request(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Source: SNS API reference, Publish, in the query protocol: MessageAttributes.entry.N."""
    request: dict[str, str] = {}
    for number, (name, attribute) in enumerate(attributes.items(), 1):
        entry = f"MessageAttributes.entry.{number}"
        request[f"{entry}.Name"] = name
        request |= {f"{entry}.Value.{member}": value for member, value in attribute.items()}
    return request
