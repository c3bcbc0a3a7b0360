"""Evaluating the rules for alerts while the app runs, whether anybody looks or not."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime

from backend.aws.environment import Environment
from backend.errors import SconesError

_log = logging.getLogger(__name__)


class Watch:
    """A thread that evaluates the rules every so many seconds; an evaluation that fails is said, and the next follows.

    `problem` says why the last one failed, None where it did not; `looked_at` is when it ended.
    """

    def __init__(self, environment: Environment, seconds: float) -> None:
        self.seconds = seconds
        self.problem: str | None = None
        self.looked_at: datetime | None = None
        self._environment = environment
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End it, after the evaluation that may be going on; waits for that up to `timeout` seconds."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look(self) -> None:
        """Evaluate once; raises nothing."""
        from backend import alerts  # what that needs takes a second to import: the app answers sooner without

        try:
            alerts.evaluate(self._environment)
        except SconesError as error:
            self.problem = str(error)
            _log.warning("the alerts could not be evaluated: %s", error)
        except Exception as error:  # a bug must not end the watch, nor go unsaid
            self.problem = f"Unexpected error: {error!r}. The app's log has the details."
            _log.exception("the alerts could not be evaluated")
        else:
            self.problem = None
        self.looked_at = datetime.now(UTC)

    def _run(self) -> None:
        while not self._ended.wait(self.seconds):
            self.look()


_watches: list[Watch] = []
"""The watch of this process, where it has one."""


def start_watch(environment: Environment) -> None:
    """Evaluate from now on every `alerts_seconds` of the settings; at 0 not at all."""
    if seconds := environment.settings.alerts_seconds:
        watch = Watch(environment, seconds)
        _watches[:] = [watch]
        watch.start()


def stop_watch(timeout: float) -> None:
    """End what `start_watch` began."""
    for watch in _watches:
        watch.stop(timeout)
    _watches.clear()


def current_watch() -> Watch | None:
    """The watch of this process; None where it has none."""
    return _watches[0] if _watches else None
