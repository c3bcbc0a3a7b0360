"""Which of many executions have ended, asked in one request for all of them, as often as AWS allows.

Step Functions lets an account describe 10 executions a second in the smaller regions, after 250 at once, and list them
5 times, after 100 (developer guide, "Quotas related to API action throttling"). So it is not asked how each one is, but
which are running: of what is not among them any more, its end can be read, once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Self

from backend.aws.environment import Environment
from backend.errors import AwsRequestError
from backend.workflow.executions import execution_errors, passes

_SHORTEST: Final = 0.02
_LONGEST: Final = 2.0
_GROWTH: Final = 1.5  # of the pause, when nothing has ended meanwhile
_SHRINKAGE: Final = 0.7  # when something has
_RECOVERY: Final = 0.98  # of what a refusal has made of the shortest pause, with each answer
_LATEST: Final = 30.0
_PATIENCE: Final = 60.0


class WatchClosed(Exception):
    """When nobody waits any more for what was watched."""


@dataclass
class _Watched:
    started: float
    was_listed: bool = False
    ended: Future[None] = field(default_factory=Future)


class Watch:
    """Watches executions of the project's state machine, with a thread of its own; safe to use from any other.

    The list is late on AWS: an execution that has just started may not be in it yet. How late it is shows where one
    turns out to run that was missing, and from then on those that are as young are given that time.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._is_needed, self._is_closed = threading.Event(), threading.Event()
        self._lateness = 0.0
        self._shortest = _SHORTEST
        self._failed_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="watch of executions", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._thread.join()

    def wait(self, name: str, started: float) -> None:
        """Return when an execution seems to have ended, which started at that `time.monotonic()`.

        Raises AwsRequestError when it could not be asked for a minute, or not at all; WatchClosed when it was closed.
        """
        watched = _Watched(started)
        with self._lock:
            if self._is_closed.is_set():
                raise WatchClosed
            self._watched[name] = watched
            self._is_needed.set()
        watched.ended.result()

    def was_wrong(self, started: float) -> None:
        """Take note that an execution runs that seemed to have ended: the list is as late as it is old."""
        self._lateness = min(max(self._lateness, 1.5 * (time.monotonic() - started)), _LATEST)

    def close(self) -> None:
        """End the watch, and every wait."""
        with self._lock:
            self._is_closed.set()
            self._is_needed.set()
            watched = list(self._watched)
        self._end(watched, WatchClosed())

    def _run(self) -> None:
        pause = _SHORTEST
        while True:
            self._is_needed.wait()
            if self._is_closed.wait(pause):
                return
            pause = self._look(pause)

    def _look(self, pause: float) -> float:
        """Ask once, and end the waits for what has ended; returns the pause before the next time."""
        with self._lock:
            watched = dict(self._watched)
        if not watched:
            return _SHORTEST
        try:
            running, was_refused = self._running(watched)
        except Exception as error:  # whoever waits is told, whatever it is
            self._failed(error, watched)
            return min(2 * pause, _LONGEST)
        self._failed_since = None
        ended = [name for name, one in watched.items() if self._seems_ended(one, name in running)]
        self._end(ended)
        self._shortest = max(_SHORTEST, self._shortest * _RECOVERY)
        if was_refused:
            self._shortest = min(2 * max(pause, self._shortest), _LONGEST)
        return min(max(pause * (_SHRINKAGE if ended else _GROWTH), self._shortest), _LONGEST)

    def _running(self, names: Collection[str]) -> tuple[set[str], bool]:
        """Those of the names that are listed as running, and whether AWS had refused to answer at first.

        The newest come first, and the others are of no interest once all are found.
        """
        found: set[str] = set()
        was_refused = False
        pages = self._environment.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self._environment.names.state_machine_arn,
            statusFilter="RUNNING",
            PaginationConfig={"PageSize": 1000},
        )
        with execution_errors("list the executions that run"):
            for page in pages:
                was_refused |= page["ResponseMetadata"].get("RetryAttempts", 0) > 0
                found.update(item["name"] for item in page["executions"] if item["name"] in names)
                if len(found) == len(names):
                    break
        return found, was_refused

    def _seems_ended(self, watched: _Watched, is_listed: bool) -> bool:
        if is_listed:
            watched.was_listed = True
            return False
        return watched.was_listed or time.monotonic() - watched.started >= self._lateness

    def _failed(self, error: Exception, watched: Collection[str]) -> None:
        """End every wait with what AWS said, unless that may pass and has not lasted long."""
        now = time.monotonic()
        self._failed_since = self._failed_since or now
        may_pass = isinstance(error, AwsRequestError) and passes(error)
        if not may_pass or now - self._failed_since >= _PATIENCE:
            self._failed_since = None
            self._end(watched, error)

    def _end(self, names: Collection[str], error: Exception | None = None) -> None:
        with self._lock:
            ended = [self._watched.pop(name) for name in names if name in self._watched]
            if not self._watched and not self._is_closed.is_set():
                self._is_needed.clear()
        for one in ended:
            if error is None:
                one.ended.set_result(None)
            else:
                one.ended.set_exception(error)
