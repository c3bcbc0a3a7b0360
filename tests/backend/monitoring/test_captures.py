"""Captured records, from the files in S3 to what pages show."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backend import monitoring
from backend.aws.environment import Environment
from backend.errors import CaptureMissing
from backend.monitoring.ingest import ingest
from backend.monitoring.objects import CaptureObject, list_objects, open_bucket
from backend.monitoring.store import open_store
from tests.capture_lines import IMAGE
from tests.capture_lines import capture_line as line

Put = Callable[..., str]


def read_raw(folder: Path) -> list[dict[str, Any]]:
    """The records of the real files, read with json alone."""
    return [json.loads(text) for path in sorted(folder.rglob("*.jsonl")) for text in path.read_text().splitlines()]


def upload(environment: Environment, folder: Path) -> None:
    for path in folder.rglob("*.jsonl"):
        environment.s3.upload_file(str(path), environment.bucket, str(path.relative_to(folder)))


def test_a_real_endpoints_records_are_read_as_they_are(captures: Environment, captured_files: Path) -> None:
    upload(captures, captured_files)
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport(12, 22, 0)
    raw = read_raw(captured_files)
    frame = monitoring.confidences(captures)
    expected = sorted(max(json.loads(record["captureData"]["endpointOutput"]["data"])) for record in raw)
    assert sorted(frame["confidence"]) == expected
    assert frame["time"].min() == datetime.fromisoformat(min(r["eventMetadata"]["inferenceTime"] for r in raw))


def test_a_real_record_shows_its_image(captures: Environment, captured_files: Path) -> None:
    upload(captures, captured_files)
    monitoring.refresh_captures(captures)
    images = {base64.b64decode(r["captureData"]["endpointInput"]["data"]) for r in read_raw(captured_files)}
    ids = monitoring.confidences(captures)["record_id"]
    assert {monitoring.capture_detail(captures, int(record_id)).image for record_id in ids} == images


def test_what_was_read_is_not_read_again(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport()
    assert len(monitoring.confidences(captures)) == 1


def test_a_late_file_of_an_old_hour_is_found(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    put(line([0.6, 0.4], time="2025-12-31T00:00:00Z"), hour="2025/12/31/00")
    assert monitoring.refresh_captures(captures).records == 1
    assert list(monitoring.confidences(captures)["confidence"]) == [0.6, 0.9]


def test_a_replaced_file_takes_the_place_of_the_old(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]) + line([0.8, 0.2]))
    monitoring.refresh_captures(captures)
    put(line([0.3, 0.7]))
    monitoring.refresh_captures(captures)
    frame = monitoring.confidences(captures)
    assert (list(frame["confidence"]), list(frame["predicted_index"])) == ([0.7], [1])


@pytest.mark.parametrize("deleted", ["a", "b", "c", "abc"])
def test_what_was_in_a_file_goes_with_it(captures: Environment, put: Put, deleted: str) -> None:
    keys = {name: put(line([0.9, 0.1], eventMetadata__inferenceId=name) + b"broken\n", name=name) for name in "abc"}
    monitoring.refresh_captures(captures)
    for name in deleted:
        captures.s3.delete_object(Bucket=captures.bucket, Key=keys[name])
    monitoring.refresh_captures(captures)
    left = sorted(set("abc") - set(deleted))
    assert sorted(monitoring.confidences(captures)["inference_id"]) == left
    summary = monitoring.capture_summary(captures)
    assert (summary.files, summary.quarantined) == (len(left), len(left)) if summary else left == []


def test_what_was_in_a_bucket_goes_with_it(captures: Environment, put: Put) -> None:
    key = put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    captures.s3.delete_object(Bucket=captures.bucket, Key=key)
    captures.s3.delete_bucket(Bucket=captures.bucket)
    monitoring.refresh_captures(captures)
    assert monitoring.capture_summary(captures) is None


def test_a_file_that_another_refresh_read_meanwhile_stays(captures: Environment, put: Put) -> None:
    """One that began before the file was there does not take it for deleted."""
    put(line([0.9, 0.1]), name="a")
    monitoring.refresh_captures(captures)
    store, bucket = open_store(captures.cache_dir / "captures.duckdb"), open_bucket(captures)

    def listing() -> Iterator[CaptureObject]:
        yield from list(list_objects(bucket))
        put(line([0.8, 0.2]), name="b")
        monitoring.refresh_captures(captures)

    ingest(store, bucket, listing())
    assert len(monitoring.confidences(captures)) == 2


@pytest.mark.parametrize(
    "broken",
    [
        b"not json\n",
        b'{"captureData":{}}\n',
        line([]),
        line([0.9, 0.1], captureData__endpointOutput__data="oops"),
        line([0.9, 0.1], captureData__endpointOutput__encoding="BASE64"),
        line([0.9, 0.1], captureData__endpointOutput=None),
        line([0.9, 0.1])[:-40],
    ],
)
def test_a_broken_line_is_set_aside_and_the_rest_is_read(captures: Environment, put: Put, broken: bytes) -> None:
    put(line([0.9, 0.1]) + broken)
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport(1, 1, 1)
    summary = monitoring.capture_summary(captures)
    assert summary is not None
    assert (summary.records, summary.quarantined, sum(summary.quarantine_reasons.values())) == (1, 1, 1)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("JSON", "[0.2, 0.8]"), ("CSV", "0.2,0.8"), ("BASE64", base64.b64encode(b"[0.2, 0.8]").decode())],
)
def test_answers_of_every_encoding_are_read(captures: Environment, put: Put, encoding: str, data: str) -> None:
    put(line([], captureData__endpointOutput__encoding=encoding, captureData__endpointOutput__data=data))
    monitoring.refresh_captures(captures)
    detail = monitoring.capture_detail(captures, int(monitoring.confidences(captures)["record_id"][0]))
    assert detail.probabilities == (0.2, 0.8)


def test_a_record_leads_to_its_image_probabilities_and_execution(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]) + line([0.25, 0.75], eventMetadata__inferenceId="execution-2"))
    monitoring.refresh_captures(captures)
    record_id = int(monitoring.confidences(captures)["record_id"][1])
    detail = monitoring.capture_detail(captures, record_id)
    assert detail.image == IMAGE
    assert (detail.probabilities, detail.inference_id) == ((0.25, 0.75), "execution-2")
    assert detail.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_an_endpoint_that_captures_no_input_has_no_image(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1], captureData__endpointInput=None))
    monitoring.refresh_captures(captures)
    assert monitoring.capture_detail(captures, int(monitoring.confidences(captures)["record_id"][0])).image is None


def test_an_image_whose_file_is_gone_is_said_to_be(captures: Environment, put: Put) -> None:
    key = put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    captures.s3.delete_object(Bucket=captures.bucket, Key=key)
    with pytest.raises(CaptureMissing, match="deleted or replaced"):
        monitoring.capture_detail(captures, int(monitoring.confidences(captures)["record_id"][0]))


def test_only_records_from_the_time_asked_for_on_are_given(captures: Environment, put: Put) -> None:
    put(b"".join(line([0.9, 0.1], time=f"2026-01-02T0{hour}:00:00Z") for hour in range(5)))
    monitoring.refresh_captures(captures)
    start = datetime(2026, 1, 2, 3, tzinfo=UTC)
    assert [time.hour for time in monitoring.confidences(captures, start)["time"]] == [3, 4]


def test_of_too_many_the_newest_are_given_oldest_first(captures: Environment, put: Put) -> None:
    put(b"".join(line([1 - n / 10, n / 10], time=f"2026-01-02T00:00:0{n}Z") for n in range(5)))
    monitoring.refresh_captures(captures)
    assert list(monitoring.confidences(captures, limit=2)["confidence"]) == [0.7, 0.6]


def test_without_records_there_is_no_summary_and_an_empty_frame(captures: Environment) -> None:
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport()
    assert monitoring.capture_summary(captures) is None
    assert monitoring.confidences(captures).empty


def test_other_objects_are_passed_over(captures: Environment, put: Put) -> None:
    captures.s3.put_object(Bucket=captures.bucket, Key="data_capture/readme.txt", Body=b"x")
    captures.s3.put_object(Bucket=captures.bucket, Key="data_capture/stray.jsonl", Body=line([0.9, 0.1]))
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport()


def test_two_refreshes_at_once_read_each_record_once(captures: Environment, put: Put) -> None:
    for number in range(40):
        put(line([0.9, 0.1]), name=f"04-05-000-{number}")
    threads = [threading.Thread(target=monitoring.refresh_captures, args=(captures,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(monitoring.confidences(captures)) == 40


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_a_cache_that_was_deleted_or_damaged_is_built_anew(
    captures: Environment, put: Put, damage: bytes | None
) -> None:
    put(line([0.9, 0.1]))
    cache = captures.cache_dir / "captures.duckdb"
    if damage is None:
        monitoring.refresh_captures(captures)
        cache.unlink()
    else:
        cache.parent.mkdir(parents=True)
        cache.write_bytes(damage)
    monitoring.refresh_captures(captures)
    assert len(monitoring.confidences(captures)) == 1
