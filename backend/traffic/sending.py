"""Starting the executions of a run and following them, a few at a time and within AWS's quotas."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Final, Self

from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.errors import AwsRequestError, NotFound, SconesError
from backend.traffic.sent import Journal, Sent, Status
from backend.workflow.executions import describe_execution, passes, submit_image
from backend.workflow.outcome import Execution
from backend.workflow.watch import Watch, WatchClosed

AT_ONCE: Final = 16
"""Executions in flight. Step Functions starts 150 a second in its smaller regions, after 800 at once (developer guide,
"Quotas related to API action throttling"); a new account's Lambda runs 10 at once, and the rest is retried."""
GIVE_UP_SECONDS: Final = 30.0
"""An image that could not be started for so long is not: traffic that is made up for later is other traffic."""
_DESCRIBERS: Final = 4
_PATIENCE_SECONDS: Final = 60.0
_REFUSALS: Final = 8
"""In a row: then it is no use to go on."""
_LOOK_SECONDS: Final = 0.05


class Sender:
    """Sends images of a run, notes in its journal what becomes of each, and keeps no more than 16 in flight."""

    def __init__(self, environment: Environment, journal: Journal, now: Callable[[], float]) -> None:
        self._environment, self._journal, self._now = environment, journal, now
        self._free = threading.Semaphore(AT_ONCE)
        self._starters = ThreadPoolExecutor(AT_ONCE, "traffic")
        self._describers = ThreadPoolExecutor(_DESCRIBERS, "outcomes of traffic")
        self._watch = Watch(environment)
        self._is_closed = threading.Event()
        self._lock = threading.Lock()
        self._pending: set[Future[None]] = set()
        self._refused, self._refusal = 0, SconesError()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the following of what has not ended; the executions go on. What is being started is, and is noted."""
        self._is_closed.set()
        self._watch.close()
        self._starters.shutdown()
        self._describers.shutdown()

    def send(self, row: Sent, due: float) -> None:
        """Start an image's execution as soon as fewer than 16 are in flight; one that waits for long is given up.

        `due` is when it was to come, by the clock. Raises what AWS says when it has refused 8 in a row.
        """
        while not self._free.acquire(timeout=_LOOK_SECONDS):
            if self._now() - due > GIVE_UP_SECONDS:
                reason = f"{AT_ONCE} executions were in flight for {GIVE_UP_SECONDS:.0f} seconds."
                self._journal.note(row.number, status=Status.NOT_STARTED, reason=reason)
                return
        if self._refused >= _REFUSALS:
            self._free.release()
            raise self._refusal
        self._submit(self._starters, self._run, row, due)

    def has_finished(self, within: float) -> bool:
        """Whether the end of all that was sent is known, now or within so many seconds."""
        deadline = time.monotonic() + within
        while pending := self._still_pending():
            if not wait(pending, max(0.0, deadline - time.monotonic()), FIRST_COMPLETED).done:
                return False
        return True

    def _submit(self, pool: ThreadPoolExecutor, work: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # closed meanwhile
            future = pool.submit(work, *args)
            with self._lock:
                self._pending = {one for one in self._pending if not one.done()} | {future}

    def _still_pending(self) -> set[Future[None]]:
        with self._lock:
            return {one for one in self._pending if not one.done()}

    def _run(self, row: Sent, due: float) -> None:
        """Start it, and hold its place among those in flight until it seems to have ended."""
        try:
            if not self._start(row, due):
                return
            started = time.monotonic()
            self._watch.wait(row.inference_id, started)
        except WatchClosed:
            return
        except SconesError as error:
            self._journal.note(row.number, reason=str(error))
            return
        finally:
            self._free.release()
        self._submit(self._describers, self._describe, row, started)

    def _start(self, row: Sent, due: float) -> bool:
        late = max(0.0, self._now() - due)
        try:
            submit_image(self._environment, row.key, row.inference_id)
        except SconesError as error:
            self._refused, self._refusal = self._refused + 1, error
            self._journal.note(row.number, status=Status.NOT_STARTED, reason=str(error))
            return False
        self._refused = 0
        self._journal.note(row.number, status=Status.STARTED, late=round(late, 3))
        return True

    def _describe(self, row: Sent, started: float) -> None:
        """Note how an execution ended, once that can be said."""
        try:
            for _ in attempts(f"The end of execution {row.inference_id}", _PATIENCE_SECONDS):
                if self._is_closed.is_set():
                    return
                if execution := self._ended(row, started):
                    is_right = execution.is_right(row.label)
                    self._journal.note(row.number, outcome=str(execution.outcome), is_right=is_right)
                    return
        except SconesError as error:
            self._journal.note(row.number, reason=str(error))

    def _ended(self, row: Sent, started: float) -> Execution | None:
        """The execution, if it has ended; None where AWS cannot say so now, or does not know it yet.

        One that seemed to have ended and runs shows how late AWS's list of executions is.
        """
        try:
            execution = describe_execution(self._environment, row.inference_id, with_history=False)
            if execution.has_ended:
                return execution
        except NotFound:
            pass
        except AwsRequestError as error:
            if not passes(error):
                raise
            return None
        self._watch.was_wrong(started)
        return None
