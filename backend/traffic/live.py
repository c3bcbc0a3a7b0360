"""The run that this process is sending: what may be changed of it while it runs, and what it shows.

It is kept by project in the process that runs the jobs, as those are, so every browser session of the app sees and
changes the same one. Another process on the same project sees what is in the bucket.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from backend.aws.environment import Environment
from backend.errors import JobAlreadyRunning
from backend.traffic.drift import Drift
from backend.traffic.mix import Pool
from backend.traffic.plan import TrafficPlan
from backend.traffic.sent import Journal, Sent

_EXAMPLES: Final = 8


@dataclass(frozen=True)
class Example:
    """An image as it was staged and as it is sent, the newest of which are shown."""

    label: str
    staged: bytes
    sent: bytes


class LiveRun:
    """A run while it is sent; safe to use from any thread."""

    def __init__(self, run_id: str, plan: TrafficPlan, pool: Pool, journal: Journal, started_at: datetime) -> None:
        self.run_id, self.plan, self.pool, self.started_at = run_id, plan, pool, started_at
        self.stopping = threading.Event()
        self._journal = journal
        self._lock = threading.Lock()
        self._drift, self._version = plan.drift, 0
        self._examples: deque[Example] = deque(maxlen=_EXAMPLES)

    @property
    def drift(self) -> Drift:
        """The drift of the next image that is drawn."""
        return self._drift

    @property
    def version(self) -> int:
        """How often the drift was changed: whoever shows an older one is to show it anew."""
        return self._version

    def change(self, drift: Drift) -> None:
        """Draw with this drift from now on; raises TrafficNotPossible when there is nothing to draw so from."""
        self.pool.check(drift)
        with self._lock:
            if drift != self._drift:
                self._drift, self._version = drift, self._version + 1

    def stop(self) -> None:
        """Send no more; what was sent is followed to its end."""
        self.stopping.set()

    def show(self, example: Example) -> None:
        with self._lock:
            self._examples.append(example)

    @property
    def examples(self) -> list[Example]:
        """The newest images, the newest first."""
        with self._lock:
            return list(reversed(self._examples))

    @property
    def rows(self) -> list[Sent]:
        return self._journal.rows


_live: dict[str, LiveRun] = {}
_lock = threading.Lock()


@contextmanager
def alive(environment: Environment, run: LiveRun) -> Iterator[None]:
    """Let every session find the run for this while; raises JobAlreadyRunning while another of the project runs."""
    with _lock:
        if environment.bucket in _live:
            raise JobAlreadyRunning("Traffic is still being sent. Wait until it ended, or stop it.")
        _live[environment.bucket] = run
    try:
        yield
    finally:
        with _lock:
            del _live[environment.bucket]


def live_run(environment: Environment) -> LiveRun | None:
    """The run of this project that this process is sending; None when there is none."""
    with _lock:
        return _live.get(environment.bucket)
