"""SerializeImage: an object becomes base64. S3 is botocore's Stubber."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import ModuleType

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

EVENT = {"image_data": "", "s3_bucket": "b", "s3_key": "test/one.png"}


@pytest.fixture
def handler(load_handler: Callable[[str], ModuleType]) -> ModuleType:
    return load_handler("serialize_image")


def expect_object(stubber: Stubber, content: bytes) -> None:
    body = StreamingBody(io.BytesIO(content), len(content))
    stubber.add_response("get_object", {"Body": body}, {"Bucket": "b", "Key": "test/one.png"})


def test_the_image_is_passed_on_as_base64(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, b"image")
        output = handler.lambda_handler(EVENT, None)
    assert output == {"image_data": "aW1hZ2U=", "s3_bucket": "b", "s3_key": "test/one.png"}


def test_a_missing_image_is_named(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        stubber.add_client_error("get_object", "NoSuchKey", http_status_code=404)
        with pytest.raises(handler.ImageMissing, match=r"s3://b/test/one\.png"):
            handler.lambda_handler(EVENT, None)


def test_an_image_that_does_not_fit_into_a_state_is_refused(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, bytes(180_001))
        with pytest.raises(handler.ImageTooLarge, match="180000"):
            handler.lambda_handler(EVENT, None)


def test_the_largest_image_fits_into_a_state(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, bytes(180_000))
        output = handler.lambda_handler(EVENT, None)
    assert len(str(output)) < 262_144  # Step Functions quotas: the largest input or output of a state, in bytes
