"""A container's log: a file that it writes, followed line by line by those who pass the lines on."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.refusals import CODE as NO_ROOM

_log = logging.getLogger(__name__)
_SECONDS_BETWEEN_READS = 1.0
_MAX_LINES = 5_000  # these three keep a delivery within one PutLogEvents request: 10,000 events, 1 MiB, 256 KiB each
_MAX_BYTES = 500_000
_MAX_LINE_BYTES = 100_000


@dataclass(frozen=True)
class LogLine:
    """A line without its end, and when it was read, in epoch seconds."""

    time: float
    text: str


class LogFollower:
    """Reads a growing file about once a second, in a thread of its own, and delivers its lines in order.

    While AWS does not take a delivery, the same lines are delivered again: none is lost, and the container is not held
    up, for what follows waits in the file.
    """

    def __init__(self, path: Path, deliver: Callable[[list[LogLine]], None]) -> None:
        self._path = path
        self._deliver = deliver
        self._written = threading.Event()
        self._deadline = math.inf
        self._lacks_room = False
        self._thread = threading.Thread(target=self._follow, name="log-follower", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self, patience: float) -> None:
        """Deliver the rest, now that nobody writes any more; gives up after `patience` seconds."""
        self._deadline = time.monotonic() + patience
        self._written.set()
        self._thread.join()

    def _follow(self) -> None:
        with self._path.open("rb") as file:
            while not self._written.wait(_SECONDS_BETWEEN_READS):
                self._deliver_next(file)
            self._deliver_rest(file)

    def _deliver_rest(self, file: BinaryIO) -> None:
        size = self._path.stat().st_size
        while file.tell() < size:
            if self._deliver_next(file):
                continue
            if self._lacks_room or time.monotonic() > self._deadline:
                _log.error("the end of %s was not delivered: AWS did not take it", self._path)
                return
            time.sleep(_SECONDS_BETWEEN_READS)

    def _deliver_next(self, file: BinaryIO) -> bool:
        """Deliver the lines that come next, if any; False when AWS did not take them."""
        start = file.tell()
        lines = self._read_lines(file)
        try:
            if lines:
                self._deliver(lines)
        except (BotoCoreError, ClientError) as error:
            _log.warning("lines of %s have to wait: %s", self._path, error)
            self._lacks_room = isinstance(error, ClientError) and error.response["Error"]["Code"] == NO_ROOM
            file.seek(start)
            return False
        return True

    def _read_lines(self, file: BinaryIO) -> list[LogLine]:
        """As many whole lines as one delivery takes, without the empty ones."""
        lines: list[LogLine] = []
        end = file.tell() + _MAX_BYTES
        while len(lines) < _MAX_LINES and file.tell() < end:
            start = file.tell()
            line = file.readline(_MAX_LINE_BYTES)
            if not line or self._is_unfinished(line):
                file.seek(start)
                break
            if text := line.decode(errors="replace").rstrip("\r\n"):
                lines.append(LogLine(time.time(), text))
        return lines

    def _is_unfinished(self, line: bytes) -> bool:
        return not line.endswith(b"\n") and len(line) < _MAX_LINE_BYTES and not self._written.is_set()
