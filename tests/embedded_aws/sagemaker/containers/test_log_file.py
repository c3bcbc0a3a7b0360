"""Lines of a growing file reach whoever wants them: all, once, in order."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from embedded_aws.sagemaker.containers.log_file import LogFollower, LogLine

OUT_OF_REACH = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


class Receiver:
    """Takes deliveries, after it refused the first few."""

    def __init__(self, refusals: int = 0) -> None:
        self.lines: list[str] = []
        self.deliveries: queue.Queue[list[str]] = queue.Queue()
        self._refusals = refusals

    def deliver(self, lines: list[LogLine]) -> None:
        if self._refusals > 0:
            self._refusals -= 1
            raise OUT_OF_REACH
        self.lines += [line.text for line in lines]
        self.deliveries.put([line.text for line in lines])


@contextmanager
def followed(path: Path, receiver: Receiver, patience: float = 10.0) -> Iterator[None]:
    follower = LogFollower(path, receiver.deliver)
    follower.start()
    yield
    follower.finish(patience)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "container.log"
    path.touch()
    return path


def test_lines_are_delivered_while_the_file_grows(log: Path) -> None:
    receiver = Receiver()
    with followed(log, receiver), log.open("a") as file:
        file.write("one\ntwo\nthr")
        file.flush()
        assert receiver.deliveries.get(timeout=5) == ["one", "two"]
        file.write("ee\n")
        file.flush()
        assert receiver.deliveries.get(timeout=5) == ["three"]


def test_a_last_line_without_an_end_is_delivered(log: Path) -> None:
    receiver = Receiver()
    with followed(log, receiver):
        log.write_text("one\nlast")
    assert receiver.lines == ["one", "last"]


def test_lines_that_are_refused_come_again_in_order(log: Path) -> None:
    receiver = Receiver(refusals=2)
    with followed(log, receiver):
        log.write_text("".join(f"{number}\n" for number in range(100)))
    assert receiver.lines == [str(number) for number in range(100)]


def test_nobody_waits_for_ever(log: Path) -> None:
    receiver = Receiver(refusals=1_000)
    with followed(log, receiver, patience=0):
        log.write_text("one\n")
    assert receiver.lines == []


def test_a_flood_is_delivered_in_pieces_that_cloudwatch_takes(log: Path) -> None:
    receiver = Receiver()
    with followed(log, receiver):
        log.write_text("x\n" * 12_000 + "y" * 250_000 + "\n")
    pieces = [receiver.deliveries.get_nowait() for _ in range(receiver.deliveries.qsize())]
    assert max(len(piece) for piece in pieces) <= 10_000
    assert max(sum(len(line) + 26 for line in piece) for piece in pieces) <= 1_048_576
    assert max(len(line) for line in receiver.lines) <= 256 * 1024 - 26
    assert "".join(receiver.lines) == "x" * 12_000 + "y" * 250_000


def test_empty_lines_and_broken_characters_do_no_harm(log: Path) -> None:
    receiver = Receiver()
    with followed(log, receiver):
        log.write_bytes(b"\n\r\n\xff one\r\n")
    assert receiver.lines == ["\N{REPLACEMENT CHARACTER} one"]
