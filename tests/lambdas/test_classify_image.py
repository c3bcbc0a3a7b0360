"""ClassifyImage: what it asks of the endpoint, and what it passes on. The endpoint is botocore's Stubber."""

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

PNG = b"\x89PNG\r\n\x1a\n rest"
JPEG = b"\xff\xd8\xff\xe0 rest"


@pytest.fixture
def handler(load_handler: Callable[[str], ModuleType]) -> ModuleType:
    return load_handler("classify_image")


def event(image: bytes) -> dict[str, Any]:
    data = base64.b64encode(image).decode()
    return {"image_data": data, "inference_id": "execution-1", "s3_bucket": "b", "s3_key": "k"}


def expect_invocation(
    stubber: Stubber, content_type: str, image: bytes, key: str | None = "k", answer: bytes = b"[0.9, 0.1]"
) -> None:
    named = {} if key is None else {"CustomAttributes": key}
    stubber.add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(answer), len(answer)), "ContentType": "application/json"},
        {
            "EndpointName": "scones",
            "ContentType": content_type,
            "Accept": "application/json",
            "InferenceId": "execution-1",
            "Body": image,
            **named,
        },
    )


@pytest.mark.parametrize(("image", "content_type"), [(PNG, "image/png"), (JPEG, "image/jpeg")])
def test_the_endpoint_is_asked_under_the_executions_name(handler: ModuleType, image: bytes, content_type: str) -> None:
    with Stubber(handler._RUNTIME) as stubber:
        expect_invocation(stubber, content_type, image)
        assert handler.lambda_handler(event(image), None)["inferences"] == [0.9, 0.1]
        stubber.assert_no_pending_responses()


def test_the_image_is_not_passed_on(handler: ModuleType) -> None:
    with Stubber(handler._RUNTIME) as stubber:
        expect_invocation(stubber, "image/png", PNG)
        assert "image_data" not in handler.lambda_handler(event(PNG), None)


def test_a_file_that_is_no_image_is_not_sent(handler: ModuleType) -> None:
    with Stubber(handler._RUNTIME), pytest.raises(handler.NotAnImage, match="neither a PNG nor a JPEG"):
        handler.lambda_handler(event(b"GIF89a"), None)


@pytest.mark.parametrize(
    ("key", "encoded"),
    [
        ("datasets/1/test/a b.png", "datasets/1/test/a%20b.png"),
        ("uploads/100%.png", "uploads/100%25.png"),
        ("uploads/ü名.png", "uploads/%C3%BC%E5%90%8D.png"),
        ("a+b=c&d;e,f\"g'", "a+b=c&d;e,f\"g'"),
        ("line\nbreak\x7f", "line%0Abreak%7F"),
        ("x" * 1024, "x" * 1024),
        ("ü" * 170 + "x" * 4, "%C3%BC" * 170 + "x" * 4),
        ("ü" * 170 + "x" * 5, None),
    ],
)
def test_the_endpoint_is_told_the_images_key_where_it_fits(handler: ModuleType, key: str, encoded: str | None) -> None:
    """What is captured names its image so. Visible ASCII, at most 1,024: InvokeEndpoint, CustomAttributes."""
    with Stubber(handler._RUNTIME) as stubber:
        expect_invocation(stubber, "image/png", PNG, encoded)
        assert handler.lambda_handler(event(PNG) | {"s3_key": key}, None)["s3_key"] == key


@pytest.mark.parametrize("name", ["image_data", "inference_id", "s3_bucket", "s3_key"])
@pytest.mark.parametrize("value", [None, 7, "", ["a"]])
def test_a_field_that_is_no_text_is_named(handler: ModuleType, name: str, value: Any) -> None:
    with pytest.raises(handler.InvalidInput, match=f"^Field {name} of the input"):
        handler.lambda_handler(event(PNG) | {name: value}, None)


@pytest.mark.parametrize("given", [None, [], "x"])
def test_an_input_that_is_no_object_is_refused(handler: ModuleType, given: Any) -> None:
    with pytest.raises(handler.InvalidInput, match="image_data"):
        handler.lambda_handler(given, None)


def test_what_is_no_base64_is_refused(handler: ModuleType) -> None:
    with pytest.raises(handler.InvalidInput, match="no base64"):
        handler.lambda_handler(event(PNG) | {"image_data": "a*"}, None)


@pytest.mark.parametrize(
    ("code", "status", "more", "name", "words"),
    [
        ("ModelError", 424, {"OriginalStatusCode": 500}, "ModelFailed", "See its log, arn:of:the:log"),
        ("ModelError", 424, {"OriginalStatusCode": 503}, "EndpointUnavailable", "ModelError"),
        ("ModelNotReadyException", 429, {}, "EndpointUnavailable", "ModelNotReadyException"),
        ("ServiceUnavailable", 503, {}, "EndpointUnavailable", "ServiceUnavailable"),
        ("InternalFailure", 500, {}, "EndpointUnavailable", "InternalFailure"),
        ("InternalDependencyException", 530, {}, "EndpointUnavailable", "InternalDependencyException"),
        ("ThrottlingException", 400, {}, "EndpointThrottled", "asked too often"),
        ("ValidationError", 400, {}, "EndpointMissing", "no endpoint scones"),
        ("AccessDeniedException", 403, {}, "AccessDenied", "may not invoke endpoint scones"),
        ("UnknownThing", 400, {}, "EndpointRefused", "UnknownThing"),
    ],
)
def test_each_refusal_of_sagemaker_has_the_name_of_its_kind(
    handler: ModuleType, code: str, status: int, more: dict[str, Any], name: str, words: str
) -> None:
    """Codes and statuses: SageMaker runtime API reference, InvokeEndpoint and common errors."""
    with Stubber(handler._RUNTIME) as stubber:
        stubber.add_client_error(
            "invoke_endpoint",
            code,
            "Endpoint scones of account 1 not found." if code == "ValidationError" else "Said.",
            http_status_code=status,
            modeled_fields={"LogStreamArn": "arn:of:the:log", **more} if more else None,
        )
        with pytest.raises(Exception, match=words) as caught:
            handler.lambda_handler(event(PNG), None)
    assert type(caught.value).__name__ == name


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (exceptions.EndpointConnectionError(endpoint_url="https://e.example"), "EndpointUnavailable"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://e.example"), "EndpointUnavailable"),
        (exceptions.ConnectionClosedError(endpoint_url="https://e.example"), "EndpointUnavailable"),
        (exceptions.ReadTimeoutError(endpoint_url="https://e.example"), "AnswerLost"),
    ],
)
def test_an_image_that_may_have_been_inferred_is_told_from_an_outage(
    handler: ModuleType, failure: Exception, name: str
) -> None:
    def fail(**_: Any) -> None:
        raise failure

    handler._RUNTIME.meta.events.register("before-call.sagemaker-runtime.InvokeEndpoint", fail)
    with pytest.raises(Exception, match="Endpoint scones") as caught:
        handler.lambda_handler(event(PNG), None)
    assert type(caught.value).__name__ == name


def test_an_image_whose_answer_is_awaited_is_sent_once(handler: ModuleType) -> None:
    sent = []

    def fail(**_: Any) -> None:
        sent.append(1)
        raise exceptions.ReadTimeoutError(endpoint_url="https://e.example")

    handler._RUNTIME.meta.events.register("before-send.sagemaker-runtime.InvokeEndpoint", fail)
    with pytest.raises(handler.AnswerLost):
        handler.lambda_handler(event(PNG), None)
    assert len(sent) == 1


@pytest.mark.parametrize("answer", [b"", b"no JSON", b'{"a": 1}', b"7", b"\xff"])
def test_an_answer_that_is_no_list_is_an_error_of_its_own(handler: ModuleType, answer: bytes) -> None:
    with Stubber(handler._RUNTIME) as stubber:
        expect_invocation(stubber, "image/png", PNG, answer=answer)
        with pytest.raises(handler.UnexpectedInference, match="no list of probabilities"):
            handler.lambda_handler(event(PNG), None)
