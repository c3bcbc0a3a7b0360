"""ClassifyImage: what it asks of the endpoint, and what it passes on. The endpoint is botocore's Stubber."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError
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


def expect_invocation(stubber: Stubber, content_type: str, image: bytes) -> None:
    answer = b"[0.9, 0.1]"
    stubber.add_response(
        "invoke_endpoint",
        {"Body": StreamingBody(io.BytesIO(answer), len(answer)), "ContentType": "application/json"},
        {
            "EndpointName": "scones",
            "ContentType": content_type,
            "Accept": "application/json",
            "InferenceId": "execution-1",
            "Body": image,
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


def test_the_endpoints_error_keeps_its_own_name(handler: ModuleType) -> None:
    with Stubber(handler._RUNTIME) as stubber:
        stubber.add_client_error("invoke_endpoint", "ModelError", http_status_code=424)
        with pytest.raises(ClientError) as caught:
            handler.lambda_handler(event(PNG), None)
    assert type(caught.value).__name__ == "ModelError"
