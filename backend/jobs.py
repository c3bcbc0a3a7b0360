"""Long work in the background: it goes on when its page is left, and every browser session sees the same progress.

At most one job of a name runs at a time; a job that ended is remembered until it is dismissed or the next one starts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from backend.errors import JobAlreadyRunning, SconesError
from backend.progress import Progress

_log = logging.getLogger(__name__)


Work = Callable[[Progress], object]
"""What a job does; it reports how far it is, and is cancelled by what that call raises."""


_TOO_LATE = "It had finished before it could be cancelled."


class Cancelled(Exception):
    """Raised by the progress call of a job that a person cancelled."""


class Status(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """A job as it is now; `fraction` goes from 0 to 1, `done` and `error` say to a person how it ends, or ended."""

    name: str
    title: str
    done: str | None = None
    status: Status = Status.RUNNING
    fraction: float = 0.0
    message: str = ""
    error: str | None = None
    ended_at: datetime | None = None
    is_cancelling: bool = False

    @property
    def is_running(self) -> bool:
        return self.status is Status.RUNNING


_jobs: dict[str, Job] = {}
_threads: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def start(name: str, title: str, work: Work, done: str | None = None) -> None:
    """Run the work in a thread; raises JobAlreadyRunning while this name runs.

    `done` says that it succeeded; without it, the last that the work itself said does.
    """
    thread = threading.Thread(target=_run, args=(name, work), name=f"job {name}", daemon=True)
    with _lock:
        if name in _jobs and _jobs[name].is_running:
            raise JobAlreadyRunning(f"{_jobs[name].title} is still running. Wait until it ended, or cancel it.")
        _jobs[name] = Job(name, title, done)
        _threads[name] = thread
        thread.start()


def find(name: str) -> Job | None:
    """The job of this name that runs or ended last; None when there is none, or it was dismissed."""
    with _lock:
        return _jobs.get(name)


def cancel(name: str) -> None:
    """Make the job's next progress call raise Cancelled; one that makes none any more succeeds, and says so."""
    with _lock:
        if name in _jobs and _jobs[name].is_running:
            _jobs[name] = replace(_jobs[name], is_cancelling=True)


def dismiss(name: str) -> None:
    """Forget a job that ended; one that runs goes on."""
    with _lock:
        if name in _jobs and not _jobs[name].is_running:
            del _jobs[name], _threads[name]


def wait(name: str, timeout: float) -> Job | None:
    """Wait up to `timeout` seconds for the job to end; returns it as it is then."""
    if thread := _threads.get(name):
        thread.join(timeout)
    return find(name)


def cancel_all(timeout: float) -> None:
    """Cancel every job, and give them `timeout` seconds in all to end cleanly."""
    deadline = time.monotonic() + timeout
    for name in list(_threads):
        cancel(name)
    for name in list(_threads):
        wait(name, max(0.0, deadline - time.monotonic()))


def _run(name: str, work: Work) -> None:
    """The body of a job's thread: whatever happens, the job ends with a status."""

    def progress(fraction: float, message: str) -> None:
        with _lock:
            _jobs[name] = replace(_jobs[name], fraction=min(max(fraction, 0.0), 1.0), message=message)
            if _jobs[name].is_cancelling:
                raise Cancelled

    try:
        work(progress)
    except Cancelled as cancelled:
        _end(name, Status.CANCELLED, error=_text(cancelled) or None)
    except SconesError as error:
        _end(name, Status.FAILED, error=_text(error))
    except Exception as error:  # whatever it was, it must not vanish with the thread
        _log.exception("job failed unexpectedly: %s", name)
        _end(name, Status.FAILED, error=f"Unexpected error: {error!r}. The app's log has the details.")
    else:
        _end(name, Status.SUCCEEDED, fraction=1.0)


def _end(name: str, status: Status, **changes: Any) -> None:
    with _lock:
        job = _jobs[name]
        if job.is_cancelling and status is Status.SUCCEEDED:
            changes["message"] = " ".join(filter(None, [job.message, _TOO_LATE]))
        _jobs[name] = replace(job, status=status, ended_at=datetime.now(UTC), **changes)


def _text(error: Exception) -> str:
    """The error's message with its notes: code that cleans up after a failure says there what it had to leave."""
    return " ".join(filter(None, [str(error), *getattr(error, "__notes__", [])]))
