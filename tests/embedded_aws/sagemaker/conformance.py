"""Answers held against botocore's service model, before botocore drops what it does not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

Post = Callable[[str, Any], tuple[int, dict[str, Any]]]
"""Posts a body for an operation, as it is; returns the status and the answer."""
_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "list": list,
    "map": dict,
    "structure": dict,
}


def check_answer(operation_model: OperationModel, response_dict: dict[str, Any], **_event: Any) -> None:
    """Fail unless a JSON 1.1 answer is an error with a name and a sentence, or is as the operation's output shape says.

    A handler for botocore's `before-parse` event.
    """
    body = json.loads(response_dict["body"] or b"{}")
    assert response_dict["headers"].get("x-amzn-requestid"), "the answer carries no request id"
    if response_dict["status_code"] >= 300:
        assert body.get("__type"), f"the error has no name: {body}"
        assert body.get("message") or body.get("Message"), f"the error has no message: {body}"
    elif operation_model.output_shape is None:
        assert body == {}
    else:
        assert_conforms(operation_model.output_shape, body, operation_model.name)


def assert_conforms(shape: Shape, value: Any, path: str) -> None:
    """Fail unless a JSON value has the shape's type, only its members, all that it requires, and its enum's words."""
    expected: Any = _JSON_TYPES[shape.type_name]
    assert isinstance(value, expected), f"{path} is not a {shape.type_name}: {value!r}"
    assert "enum" not in shape.metadata or value in shape.metadata["enum"], f"{path} is not of its enum: {value!r}"
    if isinstance(shape, StructureShape):
        assert value.keys() <= shape.members.keys(), f"{path} has undeclared {value.keys() - shape.members.keys()}"
        assert value.keys() >= set(shape.required_members), f"{path} lacks {set(shape.required_members) - value.keys()}"
        for name, item in value.items():
            assert_conforms(shape.members[name], item, f"{path}.{name}")
    elif isinstance(shape, ListShape):
        for item in value:
            assert_conforms(shape.member, item, f"{path}[]")
    elif isinstance(shape, MapShape):
        for item in value.values():
            assert_conforms(shape.value, item, f"{path}{{}}")
