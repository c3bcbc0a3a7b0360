"""Endpoints that capture: which requests, when, and where to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.capture.captured import CONFIG, files_limited_to
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import ServedSageMaker


def capture(served: ServedSageMaker, prefix: str, **changes: Any) -> dict[str, Any]:
    """A DataCaptureConfig that brings everything below a prefix of the bucket."""
    return CONFIG | {"DestinationS3Uri": f"s3://{served.bucket}/{prefix}"} | changes


def records(served: ServedSageMaker, prefix: str) -> list[dict[str, Any]]:
    """The records in S3 so far."""
    page = served.environment.s3.list_objects_v2(Bucket=served.bucket, Prefix=f"{prefix}/")
    keys = [item["Key"] for item in page.get("Contents", [])]
    bodies = (served.environment.s3.get_object(Bucket=served.bucket, Key=key)["Body"].read() for key in keys)
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def inference_ids(served: ServedSageMaker, prefix: str) -> list[str]:
    return sorted(record["eventMetadata"]["inferenceId"] for record in records(served, prefix))


def test_an_inference_is_in_s3_soon_after(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name), answer="[0.7, 0.3]"))
    before = datetime.now(UTC)
    served.invoke(
        name, Body=b"one,two", ContentType="text/csv; charset=utf-8", InferenceId="first", CustomAttributes="trace=1"
    )
    wait_until(lambda: records(served, unique_name))
    (record,) = records(served, unique_name)
    sides = record["captureData"]
    assert sides["endpointInput"] == {
        "observedContentType": "text/csv; charset=utf-8",
        "mode": "INPUT",
        "data": "one,two",
        "encoding": "CSV",
    }
    assert (sides["endpointOutput"]["data"], sides["endpointOutput"]["encoding"]) == ("[0.7, 0.3]", "JSON")
    metadata = record["eventMetadata"]
    assert (metadata["inferenceId"], metadata["customAttributes"]) == ("first", ["trace=1"])
    assert abs(datetime.fromisoformat(metadata["inferenceTime"]) - before) < timedelta(minutes=1)


def test_a_file_is_below_its_endpoint_variant_and_hour(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name)))
    before = datetime.now(UTC)
    served.invoke(name)
    wait_until(lambda: records(served, unique_name))
    page = served.environment.s3.list_objects_v2(Bucket=served.bucket, Prefix=f"{unique_name}/")
    (key,) = (item["Key"] for item in page["Contents"])
    hours = {f"{time:%Y/%m/%d/%H}" for time in (before, datetime.now(UTC))}
    assert key.rpartition("/")[0] in {f"{unique_name}/{name}/AllTraffic/{hour}" for hour in hours}


def test_a_record_is_on_disk_before_its_response(served: ServedSageMaker, unique_name: str) -> None:
    """Its bucket does not exist, so that it stays there."""
    nowhere = CONFIG | {"DestinationS3Uri": f"s3://{unique_name}/captured"}
    name = served.serving(served.config_of(nowhere))
    for number in range(20):
        known_as = f"{unique_name}-{number}"
        served.invoke(name, InferenceId=known_as)
        spooled = b"".join(path.read_bytes() for path in (served.folder / "capture").glob("*/records.*"))
        assert known_as.encode() in spooled
    served.environment.s3.create_bucket(Bucket=unique_name)
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    for item in served.environment.s3.list_objects_v2(Bucket=unique_name)["Contents"]:
        served.environment.s3.delete_object(Bucket=unique_name, Key=item["Key"])
    served.environment.s3.delete_bucket(Bucket=unique_name)


def test_what_an_endpoint_captured_is_in_s3_when_it_is_gone(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name)))
    served.invoke(name, InferenceId="last")
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert inference_ids(served, unique_name) == ["last"]


def test_none_all_or_some_are_captured(served: ServedSageMaker, unique_name: str) -> None:
    """Half of them, give or take eight standard deviations."""
    requests = 150
    delivered = {}
    for percentage in (0, 50, 100):
        prefix = f"{unique_name}-{percentage}"
        name = served.serving(served.config_of(capture(served, prefix, InitialSamplingPercentage=percentage)))
        assert served.describe(name)["DataCaptureConfig"]["CurrentSamplingPercentage"] == percentage
        for number in range(requests):
            served.invoke(name, InferenceId=str(number))
        served.sagemaker.delete_endpoint(EndpointName=name)
        served.gone(name)
        delivered[percentage] = inference_ids(served, prefix)
    assert delivered[0] == []
    assert delivered[100] == sorted(str(number) for number in range(requests))
    assert 26 < len(delivered[50]) == len(set(delivered[50])) < 124


def test_capture_can_be_switched_off(served: ServedSageMaker, unique_name: str) -> None:
    on, off = capture(served, unique_name), capture(served, unique_name, EnableCapture=False)
    name = served.serving(served.config_of(off))
    assert served.describe(name)["DataCaptureConfig"]["CaptureStatus"] == "Stopped"
    served.invoke(name, InferenceId="off")
    served.update(name, served.config_of(on))
    served.reached(name, "InService")
    assert served.describe(name)["DataCaptureConfig"]["CaptureStatus"] == "Started"
    served.invoke(name, InferenceId="on")
    wait_until(lambda: records(served, unique_name))
    assert inference_ids(served, unique_name) == ["on"]


def test_an_endpoint_without_capture_is_described_without(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of())
    served.invoke(name)
    assert "DataCaptureConfig" not in served.describe(name)


def test_what_the_model_refused_is_not_captured(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name), status=400))
    for _ in range(5):
        with pytest.raises(served.runtime.exceptions.ModelError):
            served.invoke(name)
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert records(served, unique_name) == []


def test_a_request_that_was_asked_anew_is_captured_once(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name), dies=1))
    served.invoke(name, InferenceId="only")
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert inference_ids(served, unique_name) == ["only"]


def test_what_waits_is_delivered_after_a_restart(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name)))
    served.invoke(name, InferenceId="before")
    served.restart()
    assert inference_ids(served, unique_name) == ["before"]
    served.invoke(name, InferenceId="after")
    wait_until(lambda: len(records(served, unique_name)) == 2)
    assert inference_ids(served, unique_name) == ["after", "before"]


def test_a_full_disk_costs_the_record_and_not_the_answer(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(served.config_of(capture(served, unique_name)))
    with files_limited_to(1):
        assert served.invoke(name, InferenceId="lost")["Body"] == b"[0.9, 0.1]"
    served.invoke(name, InferenceId="kept")
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert inference_ids(served, unique_name) == ["kept"]
