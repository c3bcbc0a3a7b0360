"""No request, however odd, makes the service fail: it is answered, or refused with a reason."""

from __future__ import annotations

import asyncio
import random
import string
from typing import Any

import pytest
import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.sagemaker.api.control_plane import OPERATIONS, perform
from embedded_aws.sagemaker.api.exceptions import InternalFailure, ServiceError
from embedded_aws.sagemaker.api.service_model import operation_model
from embedded_aws.sagemaker.service import Service
from tests.embedded_aws.sagemaker.conformance import assert_conforms

_STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    1.5,
    "",
    "a",
    "\x00",
    "ü" * 300,
    "\ud800",
    [],
    [[]],
    {},
    {"a": {}},
)
_TEXTS = (
    "arn:aws:iam::000000000000:role/any",
    "arn:aws:sagemaker:us-east-1:000000000000:model/none",
    "1.dkr.ecr.us-east-1.amazonaws.com/image-classification:1",
    "s3://there-is-no-such-bucket/key",
    "s3://no bucket's name/",
    "'; DROP TABLE resources; --",
)


def odd_value(shape: Shape, generator: random.Random) -> Any:
    """A value that is mostly as its shape says, and now and then is anything."""
    if generator.random() < 0.02:
        return generator.choice(_STRANGE)
    if isinstance(shape, StructureShape):
        wanted = [name for name in shape.members if name in shape.required_members or generator.random() < 0.2]
        return {name: odd_value(shape.members[name], generator) for name in wanted}
    if isinstance(shape, ListShape):
        return [odd_value(shape.member, generator) for _ in range(generator.randint(1, 2))]
    if isinstance(shape, MapShape):
        return {odd_text(shape.key, generator): odd_value(shape.value, generator)}
    return odd_scalar(shape, generator)


def odd_scalar(shape: Shape, generator: random.Random) -> Any:
    if shape.type_name == "string":
        return odd_text(shape, generator)
    if shape.type_name == "boolean":
        return generator.random() < 0.5
    lowest = shape.metadata.get("min", 0)
    return generator.choice((lowest, lowest + 1, shape.metadata.get("max", 10**9)))


def odd_text(shape: Shape, generator: random.Random) -> str:
    """A text that the shape's pattern allows, if one is at hand."""
    if "enum" in shape.metadata:
        return str(generator.choice(shape.metadata["enum"]))
    word = "".join(generator.choices(string.ascii_letters, k=generator.randint(1, 20)))
    pattern = regex.compile(shape.metadata.get("pattern", ".*"))
    return generator.choice([text for text in (*_TEXTS, word) if pattern.fullmatch(text)] or [word])


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_an_odd_request_is_answered_or_refused(service: Service, operation: str) -> None:
    generator = random.Random(operation)  # noqa: S311  the same requests every time
    model = operation_model(operation)
    assert model.input_shape is not None
    for _ in range(100):
        body = odd_value(model.input_shape, generator)
        if not isinstance(body, dict):
            continue
        try:
            answer = asyncio.run(perform(service, operation, body))
        except ServiceError as error:
            assert not isinstance(error, InternalFailure)
            assert error.message
        else:
            if model.output_shape is not None:
                assert_conforms(model.output_shape, answer, operation)
