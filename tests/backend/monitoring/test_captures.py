"""Captured records, from the files in S3 to what pages show."""

from __future__ import annotations

import base64
import io
import json
import shutil
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from backend import jobs, monitoring
from backend.aws.environment import Environment
from backend.errors import CaptureMissing
from tests.capture_lines import IMAGE
from tests.capture_lines import capture_line as line

Put = Callable[..., str]


def read_raw(folder: Path) -> list[dict[str, Any]]:
    """The records of the real files, read with json alone."""
    return [json.loads(text) for path in sorted(folder.rglob("*.jsonl")) for text in path.read_text().splitlines()]


def upload(environment: Environment, folder: Path) -> None:
    for path in folder.rglob("*.jsonl"):
        environment.s3.upload_file(str(path), environment.bucket, str(path.relative_to(folder)))


def refresh(environment: Environment) -> monitoring.IngestReport | None:
    """Read all that is new, however old its hour is."""
    return monitoring.refresh_captures(environment, entirely=True)


def all_records(environment: Environment) -> pd.DataFrame:
    """What was read, in the order of time."""
    ever = monitoring.Selection(datetime(2017, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    found = monitoring.records(environment, monitoring.project_source(environment), ever, 1_000)
    assert found is not None
    return found


def detail(environment: Environment, row: int = 0) -> monitoring.CapturedInference:
    record_id = int(all_records(environment)["record_id"][row])
    return monitoring.capture_detail(environment, monitoring.project_source(environment), record_id)


def test_a_real_endpoints_records_are_read_as_they_are(captures: Environment, captured_files: Path) -> None:
    upload(captures, captured_files)
    assert refresh(captures) == monitoring.IngestReport(12, 22, 0)
    raw = read_raw(captured_files)
    frame = all_records(captures)
    expected = sorted(max(json.loads(record["captureData"]["endpointOutput"]["data"])) for record in raw)
    assert sorted(frame["confidence"]) == expected
    assert frame["time"].min() == datetime.fromisoformat(min(r["eventMetadata"]["inferenceTime"] for r in raw))


def test_a_real_record_shows_its_image(captures: Environment, captured_files: Path) -> None:
    upload(captures, captured_files)
    refresh(captures)
    images = {base64.b64decode(r["captureData"]["endpointInput"]["data"]) for r in read_raw(captured_files)}
    assert {detail(captures, row).image for row in range(22)} == images


def test_what_was_read_is_not_read_again(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    refresh(captures)
    assert refresh(captures) == monitoring.IngestReport()
    assert len(all_records(captures)) == 1


def test_a_late_file_of_an_old_hour_is_found(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    refresh(captures)
    put(line([0.6, 0.4], time="2025-12-31T00:00:00Z"), hour="2025/12/31/00")
    assert refresh(captures) == monitoring.IngestReport(1, 1, 0)
    assert list(all_records(captures)["confidence"]) == [0.6, 0.9]


def test_a_replaced_file_takes_the_place_of_the_old(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]) + line([0.8, 0.2]))
    refresh(captures)
    put(line([0.3, 0.7]))
    refresh(captures)
    frame = all_records(captures)
    assert (list(frame["confidence"]), list(frame["class_index"])) == ([0.7], [1])


@pytest.mark.parametrize("deleted", ["a", "b", "c", "abc"])
def test_what_was_in_a_file_goes_with_it(captures: Environment, put: Put, deleted: str) -> None:
    keys = {name: put(line([0.9, 0.1], eventMetadata__inferenceId=name) + b"broken\n", name=name) for name in "abc"}
    refresh(captures)
    for name in deleted:
        captures.s3.delete_object(Bucket=captures.bucket, Key=keys[name])
    refresh(captures)
    left = sorted(set("abc") - set(deleted))
    assert sorted(all_records(captures)["inference_id"]) == left
    summary = monitoring.capture_contents(captures)
    assert (summary.files, summary.quarantined) == (len(left), len(left)) if summary else left == []


def test_what_was_in_a_bucket_goes_with_it(captures: Environment, put: Put) -> None:
    key = put(line([0.9, 0.1]))
    refresh(captures)
    captures.s3.delete_object(Bucket=captures.bucket, Key=key)
    captures.s3.delete_bucket(Bucket=captures.bucket)
    refresh(captures)
    assert monitoring.capture_contents(captures) is None


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
    assert refresh(captures) == monitoring.IngestReport(1, 1, 1)
    summary = monitoring.capture_contents(captures)
    assert summary is not None
    assert (summary.records, summary.quarantined, sum(summary.quarantine_reasons.values())) == (1, 1, 1)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("JSON", "[0.2, 0.8]"), ("CSV", "0.2,0.8"), ("BASE64", base64.b64encode(b"[0.2, 0.8]").decode())],
)
def test_answers_of_every_encoding_are_read(captures: Environment, put: Put, encoding: str, data: str) -> None:
    put(line([], captureData__endpointOutput__encoding=encoding, captureData__endpointOutput__data=data))
    refresh(captures)
    assert detail(captures).probabilities == (0.2, 0.8)


def test_a_record_leads_to_its_image_probabilities_and_execution(captures: Environment, put: Put) -> None:
    key = put(line([0.9, 0.1]) + line([0.25, 0.75], eventMetadata__inferenceId="execution-2"))
    refresh(captures)
    found = detail(captures, 1)
    assert found.image == IMAGE
    assert (found.probabilities, found.inference_id) == ((0.25, 0.75), "execution-2")
    assert (found.class_index, found.confidence) == (1, 0.75)
    assert found.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found.endpoint, found.variant, found.key) == ("scones", "AllTraffic", key)
    assert (found.width, found.height, found.contrast) == (1, 1, 0.0)


def test_an_endpoint_that_captures_no_input_has_no_image(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1], captureData__endpointInput=None))
    refresh(captures)
    assert detail(captures).image is None


def test_an_image_whose_file_is_gone_is_said_to_be(captures: Environment, put: Put) -> None:
    key = put(line([0.9, 0.1]))
    refresh(captures)
    captures.s3.delete_object(Bucket=captures.bucket, Key=key)
    with pytest.raises(CaptureMissing, match="deleted or replaced"):
        detail(captures)


def test_without_records_there_are_no_contents_and_no_cache(captures: Environment) -> None:
    assert refresh(captures) == monitoring.IngestReport()
    assert monitoring.capture_contents(captures) is None
    assert not captures.cache_dir.exists()


def test_other_objects_are_named_and_not_read(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    for name in ("readme.txt", "scones/AllTraffic/2026/01/02/stray.jsonl", "new\nline.txt"):
        captures.s3.put_object(Bucket=captures.bucket, Key=f"data_capture/{name}", Body=b"x")
    assert refresh(captures) == monitoring.IngestReport(1, 1, 0)
    found = monitoring.capture_contents(captures)
    assert found is not None
    assert found.unrecognised == 3
    assert set(found.unrecognised_keys) == {
        r"data_capture/new\nline.txt",
        "data_capture/readme.txt",
        "data_capture/scones/AllTraffic/2026/01/02/stray.jsonl",
    }


def test_after_the_first_time_only_the_last_two_days_are_listed(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    for number in range(501):  # fewer old ones are not worth another request
        put(b"", name=f"05-05-{number:03}")
    put(line([0.6, 0.4], eventMetadata__inferenceId="late"), name="59-59-999")
    now = datetime.now(UTC)
    put(line([0.7, 0.3], f"{now:%Y-%m-%dT%H:%M:%SZ}", eventMetadata__inferenceId="new"), hour=f"{now:%Y/%m/%d/%H}")
    monitoring.refresh_captures(captures)
    assert list(all_records(captures)["inference_id"]) == ["execution-1", "new"]
    refresh(captures)
    assert list(all_records(captures)["inference_id"]) == ["execution-1", "late", "new"]


def test_a_cache_that_was_deleted_is_filled_again_from_all_files(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]))
    monitoring.refresh_captures(captures)
    monitoring.delete_cache(captures)
    assert monitoring.capture_contents(captures) is None
    monitoring.refresh_captures(captures)
    assert len(all_records(captures)) == 1


def test_in_the_background_it_is_read_once_at_a_time_and_its_end_is_known(captures: Environment, put: Put) -> None:
    own = monitoring.project_source(captures)
    assert monitoring.refreshing(captures, own) is None
    put(line([0.9, 0.1]))
    for _ in range(3):
        monitoring.refresh_in_background(captures, own)
    job = monitoring.refreshing(captures, own)
    assert job is not None
    ended = jobs.wait(job.name, 30)
    assert ended is not None
    assert (ended.status, ended.message) == (jobs.Status.SUCCEEDED, "Read 1 record in 1 file.")
    assert len(all_records(captures)) == 1


def test_a_folder_of_capture_files_is_a_source_too(captures: Environment, captured_files: Path, tmp_path: Path) -> None:
    copy = tmp_path / "captured"
    shutil.copytree(captured_files, copy)
    (copy / "data_capture" / ".DS_Store").write_bytes(b"x")
    source = monitoring.add_source(captures, str(copy), ["bicycle", "motorcycle"])
    assert monitoring.refresh_captures(captures, source) == monitoring.IngestReport(12, 22, 0)
    found = monitoring.capture_contents(captures, source)
    assert found is not None
    assert (found.records, found.files, found.unrecognised) == (22, 12, 1)
    times = [r["eventMetadata"]["inferenceTime"] for r in read_raw(copy)]
    assert found.first_at == datetime.fromisoformat(min(times))
    assert found.last_at == datetime.fromisoformat(max(times))
    [stream] = found.streams
    assert (stream.endpoint, stream.variant) == ("image-classification-2024-10-15-12-46-27-184", "AllTraffic")
    assert monitoring.capture_contents(captures) is None  # the project's own is another
    monitoring.remove_source(captures, source)
    assert monitoring.list_sources(captures) == [monitoring.project_source(captures)]
    assert not list(captures.cache_dir.glob("*.duckdb"))


def test_exported_records_are_those_of_the_selection(captures: Environment, put: Put) -> None:
    put(b"".join(line([1 - n / 10, n / 10], time=f"2026-01-02T00:00:0{n}Z") for n in range(5)))
    refresh(captures)
    start = datetime(2026, 1, 2, 0, 0, 2, tzinfo=UTC)
    selection = monitoring.Selection(start, start + timedelta(hours=1))
    own = monitoring.project_source(captures)
    from_csv = pd.read_csv(io.BytesIO(monitoring.export(captures, own, selection, "csv")))
    from_parquet = pd.read_parquet(io.BytesIO(monitoring.export(captures, own, selection, "parquet")))
    assert list(from_csv["confidence"]) == list(from_parquet["confidence"]) == [0.8, 0.7, 0.6]
    assert list(from_csv["time"]) == [f"2026-01-02T00:00:0{n}.000000Z" for n in (2, 3, 4)]
    assert [time.isoformat() for time in from_parquet["time"]] == [f"2026-01-02T00:00:0{n}+00:00" for n in (2, 3, 4)]
    assert set(from_csv["endpoint"]) == {"scones"}
    assert set(from_csv["width"]) == {1}


def test_broken_lines_are_shown_with_their_place(captures: Environment, put: Put) -> None:
    first = line([0.9, 0.1])
    key = put(first + b"broken\n")
    refresh(captures)
    [found] = monitoring.quarantined_lines(captures, monitoring.project_source(captures))
    assert (found.key, found.line_at, found.length) == (key, len(first), 7)
    assert "JSON is malformed" in found.reason


def test_two_refreshes_at_once_read_each_record_once(captures: Environment, put: Put) -> None:
    for number in range(40):
        put(line([0.9, 0.1]), name=f"04-05-000-{number}")
    threads = [threading.Thread(target=refresh, args=(captures,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(all_records(captures)) == 40


@pytest.mark.parametrize("damage", [b"", b"not a database", None])
def test_a_cache_that_was_deleted_or_damaged_is_built_anew(
    captures: Environment, put: Put, damage: bytes | None
) -> None:
    put(line([0.9, 0.1]))
    cache = captures.cache_dir / "captures.duckdb"
    if damage is None:
        refresh(captures)
        cache.unlink()
    else:
        cache.parent.mkdir(parents=True)
        cache.write_bytes(damage)
    refresh(captures)
    assert len(all_records(captures)) == 1
