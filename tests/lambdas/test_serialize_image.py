"""SerializeImage: an object becomes base64, or an error that says by its name whether to try again. S3 is Stubber."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore import exceptions
from botocore.response import StreamingBody
from botocore.stub import Stubber

EVENT = {"image_data": "", "s3_bucket": "b", "s3_key": "test/one.png"}
PNG = b"\x89PNG\r\n\x1a\n rest"
JPEG = b"\xff\xd8\xff\xe0 rest"


@pytest.fixture
def handler(load_handler: Callable[[str], ModuleType]) -> ModuleType:
    return load_handler("serialize_image")


def expect_object(stubber: Stubber, content: bytes) -> None:
    body = StreamingBody(io.BytesIO(content), len(content))
    answer = {"Body": body, "ContentLength": len(content)}
    stubber.add_response("get_object", answer, {"Bucket": "b", "Key": "test/one.png"})


@pytest.mark.parametrize("image", [PNG, JPEG])
def test_the_image_is_passed_on_as_base64(handler: ModuleType, image: bytes) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, image)
        output = handler.lambda_handler(EVENT, None)
    assert output == {"image_data": base64.b64encode(image).decode(), "s3_bucket": "b", "s3_key": "test/one.png"}


@pytest.mark.parametrize("name", ["s3_bucket", "s3_key"])
@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "is null, and no text"), (7, "is 7, and no text"), (["a"], r'is \["a"\], and no text'), ("", "is empty")],
)
def test_a_field_that_is_no_text_is_named(handler: ModuleType, name: str, value: Any, words: str) -> None:
    with pytest.raises(handler.InvalidInput, match=rf"^Field {name} of the input {words}\. Give "):
        handler.lambda_handler(EVENT | {name: value}, None)


@pytest.mark.parametrize("name", ["s3_bucket", "s3_key"])
def test_a_field_that_is_missing_is_named(handler: ModuleType, name: str) -> None:
    event = {other: value for other, value in EVENT.items() if other != name}
    with pytest.raises(handler.InvalidInput, match=rf"^Field {name} of the input is missing"):
        handler.lambda_handler(event, None)


@pytest.mark.parametrize("event", [None, [], ["a"], "s3_key", 7, True])
def test_an_input_that_is_no_object_is_refused(handler: ModuleType, event: Any) -> None:
    with pytest.raises(handler.InvalidInput, match="no object"):
        handler.lambda_handler(event, None)


def test_no_image_data_is_needed(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, PNG)
        assert handler.lambda_handler({"s3_bucket": "b", "s3_key": "test/one.png"}, None)["image_data"]


@pytest.mark.parametrize(
    "event",
    [
        {"s3_bucket": "b b", "s3_key": "k"},
        {"s3_bucket": "b", "s3_key": "ü" * 513},
        {"s3_bucket": "b", "s3_key": "\ud800"},
    ],
)
def test_what_no_object_can_be_called_is_refused(handler: ModuleType, event: dict[str, str]) -> None:
    with pytest.raises(handler.InvalidInput):
        handler.lambda_handler(event, None)


@pytest.mark.parametrize(
    ("code", "status", "name", "words"),
    [
        ("NoSuchKey", 404, "ImageMissing", r"s3://b/test/one\.png"),
        ("NoSuchBucket", 404, "BucketMissing", "no bucket b"),
        ("AccessDenied", 403, "AccessDenied", r"may not read s3://b/test/one\.png"),
        ("InvalidObjectState", 403, "AccessDenied", r"s3://b/test/one\.png"),
        ("SlowDown", 503, "StorageThrottled", "asked too often"),
        ("ThrottlingException", 400, "StorageThrottled", "asked too often"),
        ("InternalError", 500, "StorageUnavailable", "InternalError"),
        ("ServiceUnavailable", 503, "StorageUnavailable", "outage"),
        ("InvalidRequest", 400, "StorageRefused", "InvalidRequest"),
    ],
)
def test_each_refusal_of_s3_has_the_name_of_its_kind(
    handler: ModuleType, code: str, status: int, name: str, words: str
) -> None:
    with Stubber(handler._S3) as stubber:
        stubber.add_client_error("get_object", code, http_status_code=status)
        with pytest.raises(Exception, match=words) as caught:
            handler.lambda_handler(EVENT, None)
    assert type(caught.value).__name__ == name


@pytest.mark.parametrize(
    "failure",
    [
        exceptions.EndpointConnectionError(endpoint_url="https://s3.example"),
        exceptions.ConnectTimeoutError(endpoint_url="https://s3.example"),
        exceptions.ReadTimeoutError(endpoint_url="https://s3.example"),
        exceptions.ConnectionClosedError(endpoint_url="https://s3.example"),
    ],
)
def test_an_outage_is_told_from_a_refusal(handler: ModuleType, failure: Exception) -> None:
    def fail(**_: Any) -> None:
        raise failure

    handler._S3.meta.events.register("before-call.s3.GetObject", fail)
    with pytest.raises(handler.StorageUnavailable, match=r"could not be reached for s3://b/test/one\.png"):
        handler.lambda_handler(EVENT, None)


def test_an_image_that_is_cut_off_on_its_way_is_an_outage(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        body = StreamingBody(io.BytesIO(PNG), len(PNG) + 1)
        stubber.add_response("get_object", {"Body": body, "ContentLength": len(PNG) + 1})
        with pytest.raises(handler.StorageUnavailable):
            handler.lambda_handler(EVENT, None)


def test_what_is_no_image_is_told_at_the_door(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, b"GIF89a")
        with pytest.raises(handler.NotAnImage, match=r"s3://b/test/one\.png is neither a PNG nor a JPEG"):
            handler.lambda_handler(EVENT, None)


def test_an_image_that_does_not_fit_into_a_state_is_refused(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, PNG.ljust(180_001))
        with pytest.raises(handler.ImageTooLarge, match="has 180,001 bytes"):
            handler.lambda_handler(EVENT, None)


def test_the_largest_image_fits_into_a_state(handler: ModuleType) -> None:
    with Stubber(handler._S3) as stubber:
        expect_object(stubber, PNG.ljust(180_000))
        output = handler.lambda_handler(EVENT, None)
    assert len(str(output)) < 262_144  # Step Functions quotas: the largest input or output of a state, in bytes
