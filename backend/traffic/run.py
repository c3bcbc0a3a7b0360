"""Sending traffic: drawing images, distorting them, and starting an execution for each at its time."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Protocol

import numpy as np
from PIL import Image

from backend import staging
from backend.aws.bucket import write_object
from backend.aws.environment import Environment
from backend.aws.names import stamp
from backend.progress import Progress, no_progress
from backend.traffic.arrivals import arrivals
from backend.traffic.distortions import distort
from backend.traffic.drift import Drift
from backend.traffic.live import Example, LiveRun, alive
from backend.traffic.mix import read_pool
from backend.traffic.plan import RunKeys, TrafficPlan
from backend.traffic.runs import TrafficRun, write_run
from backend.traffic.sending import Sender
from backend.traffic.sent import Journal, Sent
from backend.traffic.summary import totals

COMPLETED, STOPPED, CANCELLED = "completed", "stopped", "cancelled"
_AHEAD_SECONDS: Final = 1.0
"""Images are drawn, put into the bucket and written down this long before they are due, a slice of them at a time."""
_PREPARED_AT_ONCE: Final = 8
_PATIENCE: Final = 60  # seconds, for the ends of what was sent last


class Clock(Protocol):
    """The time in seconds, and waiting for it."""

    def now(self) -> float: ...

    def wait(self, until: float, stopping: threading.Event) -> None:
        """Return at this time, or once it is `stopping`."""
        ...


class RealClock:
    """The machine's."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, until: float, stopping: threading.Event) -> None:
        stopping.wait(max(0.0, until - self.now()))


def run_traffic(
    environment: Environment, plan: TrafficPlan, progress: Progress = no_progress, clock: Clock | None = None
) -> TrafficRun:
    """Send images through the workflow as the plan says, until its time is over or the run is stopped.

    What a change of the drift does shows within two seconds. Returns the run, with what became of it; it is in the
    bucket too. Raises TrafficNotPossible when there is nothing to draw from, what AWS says when it refused 8 in a row,
    and what a progress call raises; what was sent until then goes on, and is written down.
    """
    pool = read_pool(environment)
    pool.check(plan.drift)
    started_at = datetime.now(UTC) + timedelta(seconds=_AHEAD_SECONDS)
    run = TrafficRun(stamp(), started_at, plan, tuple(pool.known))
    journal = Journal(environment, run.keys, started_at)
    live = LiveRun(run.run_id, plan, pool, journal, started_at)
    with alive(environment, live):
        write_run(environment, run)
        try:
            _Traffic(environment, live, journal, clock or RealClock()).send(progress)
        except BaseException as error:
            error.add_note(_end(environment, run, journal, str(error) or CANCELLED).totals.describe())
            raise
        run = _end(environment, run, journal, STOPPED if live.stopping.is_set() else COMPLETED)
    progress(1.0, run.totals.describe())
    return run


def _end(environment: Environment, run: TrafficRun, journal: Journal, ending: str) -> TrafficRun:
    journal.write()
    ended = replace(run, ended_at=datetime.now(UTC), ending=ending, totals=totals(journal.rows))
    write_run(environment, ended)
    return ended


class _Traffic:
    """A run while it is sent."""

    def __init__(self, environment: Environment, live: LiveRun, journal: Journal, clock: Clock) -> None:
        self._environment, self._live, self._journal, self._clock = environment, live, journal, clock
        self._keys = RunKeys(live.run_id)
        self._seed = live.plan.seed
        self._staged: dict[str, bytes] = {}

    def send(self, progress: Progress) -> None:
        """Send slice by slice; within one that was written down nothing is left out."""
        load, stopping = self._live.plan.load, self._live.stopping
        began = self._clock.now() + _AHEAD_SECONDS
        numbers = count(1)
        times = arrivals(load, np.random.default_rng([self._seed, 0]))
        with (
            Sender(self._environment, self._journal, self._clock.now) as sender,
            ThreadPoolExecutor(_PREPARED_AT_ONCE) as preparing,
        ):
            for at, slice_ in enumerate(_slices(times, load.seconds)):
                self._clock.wait(began + (at - 1) * _AHEAD_SECONDS, stopping)
                if stopping.is_set():
                    break
                progress(at * _AHEAD_SECONDS / load.seconds, totals(self._journal.rows).describe())
                rows = list(preparing.map(self._prepare, slice_, numbers, [self._live.drift] * len(slice_)))
                self._journal.plan(rows)
                self._send(sender, rows, began)
            self._await_ends(sender, progress)

    def _send(self, sender: Sender, rows: Sequence[Sent], began: float) -> None:
        never = threading.Event()
        for row in rows:
            self._clock.wait(began + row.due, never)
            sender.send(row, began + row.due)

    def _await_ends(self, sender: Sender, progress: Progress) -> None:
        for _ in range(_PATIENCE):
            progress(1.0, f"{totals(self._journal.rows).describe()} Waiting for those that still run.")
            if sender.has_finished(within=1.0):
                break

    def _prepare(self, due: float, number: int, drift: Drift) -> Sent:
        """Draw an image and, where it is to be changed, put it into the bucket; the same seed draws the same."""
        rng = np.random.default_rng([self._seed, number])
        image = self._live.pool.draw(drift, rng)
        staged = self._read(image.key)
        key, content = image.key, staged
        if drift.severities:
            key, content = self._keys.image(number), _distorted(staged, drift, rng)
            write_object(self._environment, key, content, "image/png", action=f"put image {key} into the bucket")
        self._live.show(Example(image.label, staged, content))
        return Sent(number, self._keys.inference_id(number), round(due, 3), key, image.key, image.label, drift)

    def _read(self, key: str) -> bytes:
        if key not in self._staged:
            self._staged[key] = staging.read_image(self._environment, key)
        return self._staged[key]


def _slices(times: Iterable[float], seconds: float) -> Iterator[list[float]]:
    """The times of each stretch of a second, up to the end; some are empty."""
    end, of_slice = _AHEAD_SECONDS, list[float]()
    for time_ in times:
        while time_ >= end:
            yield of_slice
            end, of_slice = end + _AHEAD_SECONDS, []
        of_slice.append(time_)
    yield of_slice
    while end < seconds:
        yield []
        end += _AHEAD_SECONDS


def _distorted(content: bytes, drift: Drift, rng: np.random.Generator) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGB"))
    buffer = io.BytesIO()
    Image.fromarray(distort(pixels, drift.severities, rng)).save(buffer, "PNG")
    return buffer.getvalue()
