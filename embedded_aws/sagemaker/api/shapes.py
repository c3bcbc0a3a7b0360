"""JSON values read as the shapes of botocore's service model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.sagemaker.api.exceptions import SerializationException


def read(shape: Shape, value: Any) -> Any:
    """A JSON value as its shape declares it; raises SerializationException when it is of another type.

    A null counts as absent, and a member that the model does not declare is passed over: AWS's JSON services do the
    same, so that an older service answers a newer client.
    """
    reader = _READERS.get(shape.type_name)
    if reader is None:
        raise NotImplementedError(f"{shape.name} is a {shape.type_name}: no operation that is implemented takes one")
    return reader(shape, value)


def _structure(shape: Shape, value: Any) -> dict[str, Any]:
    _require(value, dict, "structure")
    members = cast(StructureShape, shape).members
    present = {name: member for name, member in members.items() if value.get(name) is not None}
    return {name: read(member, value[name]) for name, member in present.items()}


def _list(shape: Shape, value: Any) -> list[Any]:
    _require(value, list, "list")
    return [read(cast(ListShape, shape).member, item) for item in value]


def _map(shape: Shape, value: Any) -> dict[str, Any]:
    _require(value, dict, "map")
    return {key: read(cast(MapShape, shape).value, item) for key, item in value.items()}


def _string(_shape: Shape, value: Any) -> Any:
    _require(value, str, "String")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SerializationException("A text holds half a character: a lone surrogate.") from error
    return value


def _boolean(_shape: Shape, value: Any) -> Any:
    _require(value, bool, "Boolean")
    return value


def _integer(shape: Shape, value: Any) -> int:
    bits = 64 if shape.type_name == "long" else 32
    if isinstance(value, bool) or not isinstance(value, int) or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise _wrong_type(value, shape.type_name.capitalize())
    return value


def _number(shape: Shape, value: Any) -> float:
    """A float, double, or timestamp, which JSON 1.1 writes as epoch seconds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise _wrong_type(value, shape.type_name.capitalize())
    return float(value)


_READERS: dict[str, Callable[[Shape, Any], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "timestamp": _number,
}
_JSON_TYPES: dict[type, str] = {
    str: "STRING_VALUE",
    bool: "BOOLEAN_VALUE",
    int: "NUMBER_VALUE",
    float: "NUMBER_VALUE",
    list: "LIST_VALUE",
    dict: "MAP_VALUE",
    type(None): "NULL_VALUE",
}


def _require(value: Any, expected: type, name: str) -> None:
    if not isinstance(value, expected):
        raise _wrong_type(value, name)


def _wrong_type(value: Any, expected: str) -> SerializationException:
    return SerializationException(f"{_JSON_TYPES[type(value)]} can not be converted to {expected}")
