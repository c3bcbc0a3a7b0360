"""Requests held against botocore's service model, and refused in AWS's own words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.sagemaker.api import shapes
from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.service_model import operation_model

_NUMBERS = frozenset({"integer", "long", "float", "double"})
_SCALARS = _NUMBERS | {"string", "boolean", "timestamp"}


def validate(operation: str, body: dict[str, Any]) -> dict[str, Any]:
    """The request in a body: declared members only, timestamps as epoch seconds.

    Raises SerializationException for a wrong type, and ValidationException naming every constraint that is broken.
    """
    shape = operation_model(operation).input_shape
    if shape is None:
        return {}
    request: dict[str, Any] = shapes.read(shape, body)
    violations = list(_violations(shape, request, ""))
    if violations:
        count = f"{len(violations)} validation error{'s' if len(violations) > 1 else ''} detected"
        raise ValidationException(f"{count}: {'; '.join(str(violation) for violation in violations)}")
    return request


@dataclass(frozen=True)
class _Violation:
    path: str
    value: Any
    constraint: str

    def __str__(self) -> str:
        shown = "null" if self.value is None else f"'{_shown(self.value)}'"
        return f"Value {shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"


@dataclass(frozen=True)
class _Constraint:
    wording: str
    holds: Callable[[Any], bool]


def _violations(shape: Shape, value: Any, path: str) -> Iterator[_Violation]:
    """What a value breaks by itself, then what its members, items or entries break."""
    for constraint in _constraints(shape):
        if not constraint.holds(value):
            yield _Violation(path, value, constraint.wording)
    if isinstance(shape, StructureShape):
        yield from _in_structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _in_list(shape, value, path)
    elif isinstance(shape, MapShape):
        yield from _in_map(shape, value, path)


def _in_structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[_Violation]:
    for name, member in shape.members.items():
        member_path = f"{path}.{_camel(name)}" if path else _camel(name)
        if name in value:
            yield from _violations(member, value[name], member_path)
        elif name in shape.required_members:
            yield _Violation(member_path, None, "Member must not be null")


def _in_list(shape: ListShape, value: list[Any], path: str) -> Iterator[_Violation]:
    if shape.member.type_name in _SCALARS:
        yield from _any_breaks(shape.member, value, _Violation(path, value, "Member must satisfy constraint"))
        return
    for position, item in enumerate(value, start=1):
        yield from _violations(shape.member, item, f"{path}.{position}.member")


def _in_map(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[_Violation]:
    yield from _any_breaks(shape.key, list(value), _Violation(path, value, "Map keys must satisfy constraint"))
    if shape.value.type_name in _SCALARS:
        values = list(value.values())
        yield from _any_breaks(shape.value, values, _Violation(path, value, "Map value must satisfy constraint"))
        return
    for key, item in value.items():
        yield from _violations(shape.value, item, f"{path}.{key}.member")


def _any_breaks(shape: Shape, values: list[Any], violation: _Violation) -> Iterator[_Violation]:
    """Scalars in a list or map are reported once, with all that each of them must satisfy."""
    constraints = list(_constraints(shape))
    if any(not constraint.holds(value) for value in values for constraint in constraints):
        wordings = ", ".join(constraint.wording for constraint in constraints)
        yield _Violation(violation.path, violation.value, f"{violation.constraint}: [{wordings}]")


def _constraints(shape: Shape) -> Iterator[_Constraint]:
    """What the model demands of a value of this shape."""
    limits: dict[str, Any] = shape.metadata
    if shape.type_name in _NUMBERS:
        yield from _limits("value", limits, lambda value: float(value))
    else:
        yield from _limits("length", limits, len)
    if enum := limits.get("enum"):
        yield _Constraint(f"Member must satisfy enum value set: [{', '.join(enum)}]", lambda value: value in enum)
    if pattern := limits.get("pattern"):
        wording = f"Member must satisfy regular expression pattern: {pattern}"
        yield _Constraint(wording, lambda value: _compiled(pattern).fullmatch(value) is not None)


def _limits(noun: str, limits: dict[str, Any], measure: Callable[[Any], float]) -> Iterator[_Constraint]:
    if (highest := limits.get("max")) is not None:
        wording = f"Member must have {noun} less than or equal to {highest}"
        yield _Constraint(wording, lambda value: measure(value) <= highest)
    if (lowest := limits.get("min")) is not None:
        wording = f"Member must have {noun} greater than or equal to {lowest}"
        yield _Constraint(wording, lambda value: measure(value) >= lowest)


@functools.cache
def _compiled(pattern: str) -> regex.Pattern[str]:
    """The model's patterns are Java's: `regex` knows its Unicode classes, `re` does not."""
    return regex.compile(pattern)


def _camel(name: str) -> str:
    """Messages write members with a small first letter: trainingJobName."""
    return name[0].lower() + name[1:]


def _shown(value: Any) -> str:
    """A value as AWS's messages print it: a list as [a, b], a structure or map as {a=b}."""
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(item)}' for key, item in value.items())}}}"
    return str(value)
