"""A captured invocation as a line: what is in it, and as what."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from embedded_aws.sagemaker.capture.records import CaptureSettings, Invocation, capture_line
from tests.embedded_aws.sagemaker.capture.captured import CONFIG, NOW, invocation, settings


def record(invocation: Invocation, settings: CaptureSettings) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capture_line(invocation, settings, NOW))
    return found


def test_a_line_is_as_sagemakers() -> None:
    line = capture_line(invocation(), settings(), NOW).decode()
    event_id = json.loads(line)["eventMetadata"]["eventId"]
    assert uuid.UUID(event_id).version == 4
    assert line == (
        '{"captureData":{'
        '"endpointInput":{"observedContentType":"image/png","mode":"INPUT","data":"iVBORw==","encoding":"BASE64"},'
        '"endpointOutput":{"observedContentType":"application/json","mode":"OUTPUT","data":"[0.94, 0.06]",'
        '"encoding":"JSON"}},'
        f'"eventMetadata":{{"eventId":"{event_id}","inferenceTime":"2024-10-15T14:05:12Z"}},"eventVersion":"0"}}\n'
    )


def test_a_line_has_the_structure_of_a_real_endpoints(captured_files: Path) -> None:
    (line, *_), *_ = (path.read_bytes().splitlines() for path in sorted(captured_files.rglob("*.jsonl")))
    ours = record(invocation(), settings())
    assert structure(ours) == structure(json.loads(line))


def structure(value: Any) -> Any:
    """The keys of a record at every level, in their order."""
    return [(key, structure(item)) for key, item in value.items()] if isinstance(value, dict) else type(value)


def test_what_the_client_called_the_invocation_is_beside_its_id() -> None:
    found = record(invocation(inference_id="order-17", custom_attributes="trace=1"), settings())
    metadata = found["eventMetadata"]
    assert (metadata["inferenceId"], metadata["customAttributes"]) == ("order-17", ["trace=1"])
    assert metadata.keys() == {"eventId", "inferenceId", "customAttributes", "inferenceTime"}


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("application/json", "JSON"),
        ("application/json; charset=utf-8", "JSON"),
        ("text/csv", "CSV"),
        ("text/csv;header=present", "CSV"),
        ("text/plain", "BASE64"),
        ("application/jsonlines", "BASE64"),
    ],
)
def test_the_content_type_decides_the_encoding(content_type: str, encoding: str) -> None:
    side = record(invocation(input=b"1,2", input_type=content_type), settings())["captureData"]["endpointInput"]
    assert (side["observedContentType"], side["encoding"]) == (content_type, encoding)
    assert side["data"] == ("MSwy" if encoding == "BASE64" else "1,2")


def test_without_named_content_types_everything_is_base64() -> None:
    data = record(invocation(), settings(CaptureContentTypeHeader={}))["captureData"]
    assert {side["encoding"] for side in data.values()} == {"BASE64"}
    assert base64.b64decode(data["endpointOutput"]["data"]) == b"[0.94, 0.06]"


@pytest.mark.parametrize(
    ("modes", "sides"),
    [
        (["Input"], {"endpointInput"}),
        (["Output"], {"endpointOutput"}),
        (["Input", "Output"], {"endpointInput", "endpointOutput"}),
        (["InputAndOutput"], {"endpointInput", "endpointOutput"}),
    ],
)
def test_the_options_decide_the_sides(modes: list[str], sides: set[str]) -> None:
    options = [{"CaptureMode": mode} for mode in modes]
    assert record(invocation(), settings(CaptureOptions=options))["captureData"].keys() == sides


def test_no_configuration_captures_nothing() -> None:
    assert CaptureSettings.from_config(None) is None
    assert CaptureSettings.from_config(CONFIG | {"EnableCapture": False}) is None


def test_of_a_hundred_requests_as_many_are_sampled_as_the_percentage_says() -> None:
    """Thirty of a hundred, give or take eight standard deviations; none and all exactly."""
    shares = {percentage: settings(InitialSamplingPercentage=percentage) for percentage in (0, 30, 100)}
    sampled = {percentage: sum(share.is_sampled() for _ in range(10_000)) for percentage, share in shares.items()}
    assert (sampled[0], sampled[100]) == (0, 10_000)
    assert 2630 < sampled[30] < 3370
