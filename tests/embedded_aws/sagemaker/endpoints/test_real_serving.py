"""Endpoints that serve the real algorithm, on the real embedded AWS: what images go in, what comes out."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

pytestmark = pytest.mark.system

LIMIT = 6_291_456


def image(kind: str = "PNG", size: tuple[int, int] = (32, 32), mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.new(mode, size, 200 if mode == "L" else (200, 30, 30, 255)[: len(mode)]).save(content, kind)
    return content.getvalue()


@dataclass(frozen=True)
class Endpoint:
    """The endpoint, as a client sees it."""

    name: str
    runtime: SageMakerRuntimeClient

    def invoke(self, body: bytes, content_type: str = "image/png", **members: str) -> Any:
        answer: Any = self.runtime.invoke_endpoint(
            EndpointName=self.name, Body=body, ContentType=content_type, **members
        )
        return answer | {"Body": answer["Body"].read()}

    def probabilities(self, body: bytes, content_type: str = "image/png") -> list[float]:
        found: list[float] = json.loads(self.invoke(body, content_type)["Body"])
        return found


@pytest.fixture
def endpoint(environment: Environment, real_endpoint: str) -> Endpoint:
    return Endpoint(real_endpoint, environment.sagemaker_runtime)


@pytest.mark.parametrize(
    ("kind", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("PNG", "application/x-image")]
)
def test_an_image_is_answered_with_the_probability_of_each_class(
    endpoint: Endpoint, kind: str, content_type: str
) -> None:
    answer = endpoint.invoke(image(kind), content_type)
    found = json.loads(answer["Body"])
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "AllTraffic")
    assert len(found) == 2
    assert all(0 <= probability <= 1 for probability in found)
    assert sum(found) == pytest.approx(1)


def test_the_probabilities_can_be_had_as_a_line(endpoint: Endpoint) -> None:
    answer = endpoint.invoke(image(), Accept="application/jsonlines")
    assert answer["ContentType"] == "application/jsonlines"
    assert answer["Body"].endswith(b"\n")
    assert sum(json.loads(answer["Body"])["prediction"]) == pytest.approx(1)


def test_a_larger_image_is_scaled_to_the_networks_size(endpoint: Endpoint) -> None:
    """One of a single color is the same at any size."""
    small = endpoint.probabilities(image())
    assert endpoint.probabilities(image(size=(256, 256))) == pytest.approx(small, abs=1e-4)
    assert endpoint.probabilities(image(size=(300, 200))) == pytest.approx(small, abs=1e-4)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_grey_or_transparent_image_is_an_image(endpoint: Endpoint, mode: str) -> None:
    assert sum(endpoint.probabilities(image(mode=mode))) == pytest.approx(1)


def test_a_body_of_exactly_the_limit_is_answered(endpoint: Endpoint) -> None:
    """What follows a PNG's end is passed over."""
    content = image()
    padded = content + bytes(LIMIT - len(content))
    assert endpoint.probabilities(padded) == pytest.approx(endpoint.probabilities(content))
    with refused("ValidationError", "6291456 bytes"):
        endpoint.invoke(padded + b"\0")


@pytest.mark.parametrize(
    ("body", "content_type", "status", "message"),
    [
        (b"no image", "image/png", 400, "Unable to decode the image"),
        (image()[:60], "image/png", 400, "Unable to decode the image"),
        (b"", "application/x-image", 400, "Unable to decode the image"),
        (b"1,2,3", "text/csv", 415, "Content type text/csv is not supported"),
    ],
    ids=["text", "cut off", "nothing", "another type"],
)
def test_what_is_no_image_is_a_model_error(
    endpoint: Endpoint, body: bytes, content_type: str, status: int, message: str
) -> None:
    with pytest.raises(endpoint.runtime.exceptions.ModelError) as caught:
        endpoint.invoke(body, content_type)
    response: Any = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"].startswith(message)
    assert response["LogStreamArn"].endswith(f"log-group:/aws/sagemaker/Endpoints/{endpoint.name}")
    assert sum(endpoint.probabilities(image())) == pytest.approx(1)
