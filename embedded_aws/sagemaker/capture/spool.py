"""Captured records on disk, from before they are answered until they are in S3.

Each file to be has a folder of its own in the spool, named by its UUID, with the location in S3 that it will have and
its records: `records.open` while they are written to, `records.jsonl` from then on. The location is chosen before the
first record is written, so that a repeated upload after a crash replaces the same object: every record arrives once.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.sagemaker.capture.records import CaptureSettings, Invocation, capture_line
from embedded_aws.sagemaker.s3_uri import S3Uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_log = logging.getLogger(__name__)
MAX_BYTES = 64 << 20
"""Of a captured file: the next record after it begins another."""
_LOCATION = "place"
"""A file's name on disk, which spools of earlier versions have too."""
_OPEN = "records.open"
_CLOSED = "records.jsonl"


@dataclass
class _OpenFile:
    folder: Path
    descriptor: int
    opened_at: datetime
    size: int = 0

    def write(self, line: bytes) -> None:
        """Append a line; raises OSError when the disk does not take it, and has appended nothing then."""
        try:
            if os.write(self.descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(self.descriptor, self.size)
            raise
        self.size += len(line)

    def close(self) -> None:
        os.close(self.descriptor)
        (self.folder / _OPEN).rename(self.folder / _CLOSED)


class CaptureSpool:
    """The captured files that are not in S3 yet. `upload` belongs to one thread, all else to another."""

    def __init__(self, folder: Path, max_age_seconds: float, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_age_seconds = max_age_seconds
        self._max_bytes = max_bytes
        self._open: dict[tuple[str, str, str], _OpenFile] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.iterdir():
            if left.is_dir():  # what else is there, nobody of us put there
                _settle(left)

    def append(self, invocation: Invocation, settings: CaptureSettings, now: datetime) -> None:
        """Write an invocation's record; it survives the end of this process when this returns.

        Raises OSError when the disk does not take it.
        """
        key = (invocation.endpoint, invocation.variant, str(settings.destination))
        if key not in self._open:
            self._open[key] = self._create(invocation, settings, now)
        file = self._open[key]
        file.write(capture_line(invocation, settings, now))
        if file.size > self._max_bytes:
            self._open.pop(key).close()

    def roll(self, now: datetime) -> None:
        """Close the files that are old enough to be uploaded."""
        for key, file in list(self._open.items()):
            if (now - file.opened_at).total_seconds() >= self._max_age_seconds:
                self._open.pop(key).close()

    def close(self, endpoint: str | None = None) -> None:
        """Close the files of an endpoint, or all."""
        for key in list(self._open):
            if endpoint in (None, key[0]):
                self._open.pop(key).close()

    def upload(self, s3: S3Client) -> bool:
        """Bring the closed files to S3; False when S3 did not take them all: those stay for the next time."""
        refusing = set()
        for records in self._folder.glob(f"*/{_CLOSED}"):
            if not records.stat().st_size:  # the disk did not take its first record, nor any since
                shutil.rmtree(records.parent)
                continue
            location = S3Uri.parse((records.parent / _LOCATION).read_bytes().decode())
            if location.bucket in refusing:
                continue
            try:
                s3.upload_file(str(records), location.bucket, location.key)
            except (Boto3Error, BotoCoreError, ClientError) as error:
                _log.warning("captured records have to wait for %s: %s", location, error)
                refusing.add(location.bucket)
                continue
            records.unlink()
            shutil.rmtree(records.parent)
        return not refusing

    def _create(self, invocation: Invocation, settings: CaptureSettings, now: datetime) -> _OpenFile:
        """A file named by the time of its first record, in UTC; raises OSError, and leaves nothing behind then."""
        identity = str(uuid.uuid4())
        hour = f"{invocation.endpoint}/{invocation.variant}/{now:%Y/%m/%d/%H}"
        name = f"{now:%M-%S}-{now.microsecond // 1000:03d}-{identity}.jsonl"
        folder = self._folder / identity
        folder.mkdir(mode=0o700)
        try:
            (folder / _LOCATION).write_bytes(str(settings.destination.below(f"{hour}/{name}")).encode())
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            return _OpenFile(folder, os.open(folder / _OPEN, flags, 0o600), now)
        except OSError:
            shutil.rmtree(folder)
            raise


def _settle(folder: Path) -> None:
    """Make a folder that an earlier process left ready for upload: a last line without its end was never answered."""
    left = folder / _OPEN
    if left.exists():
        os.truncate(left, left.read_bytes().rfind(b"\n") + 1)
        left.rename(folder / _CLOSED)
    closed = folder / _CLOSED
    if not closed.exists() or not closed.stat().st_size:
        shutil.rmtree(folder)
