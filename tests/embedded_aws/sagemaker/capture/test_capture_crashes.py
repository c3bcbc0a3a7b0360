"""Captured records when their process is killed, or their disk is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.capture.captured import Spooled, files_limited_to

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from embedded_aws.sagemaker.capture.records import CaptureSettings, Invocation
from embedded_aws.sagemaker.capture.spool import CaptureSpool

folder, uri, name = sys.argv[1:]
config = {"InitialSamplingPercentage": 100, "DestinationS3Uri": uri, "CaptureOptions": [{"CaptureMode": "Input"}]}
spool, settings = CaptureSpool(Path(folder), 60.0), CaptureSettings.from_config(config)
for number in range(1_000_000):
    known_as = f"{name}-{number}"
    invocation = Invocation("bikes", "AllTraffic", bytes(2_000), "image/png", b"[]", "application/json", known_as)
    spool.append(invocation, settings, datetime.now(UTC))
    print(known_as, flush=True)
"""
ENOUGH = 200


def acknowledged(spooled: Spooled, name: str) -> list[str]:
    """The inferences that a process has written when it is killed in the middle of more."""
    command = [sys.executable, "-c", WRITER, str(spooled.folder), spooled.uri, name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = [process.stdout.readline().strip() for _ in range(ENOUGH)]
    process.kill()
    rest = process.communicate()[0]
    return seen + rest[: rest.rfind("\n") + 1].split()


def left_open(spooled: Spooled) -> Path:
    """The file that is written to."""
    (path,) = spooled.folder.rglob("*.open")
    return path


def test_a_process_that_is_killed_loses_no_record(spooled: Spooled) -> None:
    written = acknowledged(spooled, "first") + acknowledged(spooled, "second")
    spooled.reopen()
    spooled.upload()
    delivered = spooled.delivered()
    assert len(set(delivered)) == len(delivered)
    assert set(written) <= set(delivered)
    assert len(delivered) <= len(written) + 2  # one that each was killed before it could say so


def test_half_a_line_is_left_out(spooled: Spooled) -> None:
    spooled.append("first")
    path = left_open(spooled)
    half = path.read_bytes()[:-30]
    spooled.spool.close()
    path.with_suffix(".jsonl").rename(path)
    with path.open("ab") as file:
        file.write(half)
    spooled.reopen()
    spooled.upload()
    assert spooled.delivered() == ["first"]


def test_a_file_of_half_a_line_is_no_file(spooled: Spooled) -> None:
    spooled.append("first")
    path = left_open(spooled)
    spooled.spool.close()
    path.with_suffix(".jsonl").rename(path)
    path.write_bytes(path.read_bytes()[:-1])
    spooled.reopen()
    assert list(spooled.folder.iterdir()) == []
    spooled.upload()
    assert spooled.objects() == []


class DiesAfterUpload:
    """S3 for a process that is killed when an object is there and its file is not deleted yet."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def upload_file(self, *arguments: str) -> None:
        self._s3.upload_file(*arguments)
        raise KeyboardInterrupt


def test_a_process_that_is_killed_after_an_upload_delivers_once(spooled: Spooled) -> None:
    spooled.append("first")
    spooled.spool.close()
    with pytest.raises(KeyboardInterrupt):
        spooled.spool.upload(DiesAfterUpload(spooled.s3))  # type: ignore[arg-type]
    assert spooled.delivered() == ["first"]
    spooled.reopen()
    spooled.upload()
    assert (len(spooled.objects()), spooled.delivered()) == (1, ["first"])


def test_a_full_disk_leaves_no_half_line_between_others(spooled: Spooled) -> None:
    spooled.append("first")
    size = left_open(spooled).stat().st_size
    with files_limited_to(size + 100), pytest.raises(OSError, match=r"File too large|No space left"):
        spooled.append("second")
    assert left_open(spooled).stat().st_size == size
    spooled.append("third")
    spooled.upload()
    assert spooled.delivered() == ["first", "third"]


@pytest.mark.parametrize("size", [0, 250], ids=["without room for a file", "without room for its first record"])
def test_a_full_disk_leaves_no_file_without_records(spooled: Spooled, size: int) -> None:
    with files_limited_to(size), pytest.raises(OSError, match=r"File too large|No space left"):
        spooled.append("first")
    spooled.upload()
    assert (list(spooled.folder.iterdir()), spooled.objects()) == ([], [])
    spooled.append("second")
    spooled.upload()
    assert spooled.delivered() == ["second"]
