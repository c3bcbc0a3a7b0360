"""What a person sent through the workflow, followed while it runs: one execution, or a batch."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from backend.aws.environment import Environment
from backend.errors import AwsRequestError, SconesError
from backend.progress import Progress, no_progress
from backend.workflow import execution_store
from backend.workflow.batch import Planned, run_planned
from backend.workflow.batches import Batch, BatchState, Result, new_batch, read_batch, read_results, write_results
from backend.workflow.executions import listed_executions
from backend.workflow.outcome import Execution
from backend.workflow.steering import planned_again

_KEPT_EVERY: Final = 2.0
"""Seconds between two times that results are kept, and one more for each 500 of them: all are written each time."""
_CLOCKS: Final = timedelta(minutes=15)
"""How far this machine's clock may be ahead of AWS's."""
_RATE_OVER: Final = 30.0
"""Seconds, the last ones, that a rate is of."""


class Submission:
    """Executions on their way, and what became of those that have ended; any thread may read it at any time."""

    def __init__(self) -> None:
        self.token = uuid.uuid4().hex
        self.batch: Batch | None = None
        self.planned: dict[int, Planned] = {}
        self._places: list[int] = []
        self._results: dict[int, Result] = {}
        self._ended: list[Execution] = []
        self._running: set[int] = set()
        self._ends: list[float] = []
        self._changed = threading.Condition()

    def plan(
        self, planned: Mapping[int, Planned], batch: Batch | None = None, known: Mapping[int, Result] | None = None
    ) -> None:
        """Say what it is, before the first is sent.

        `planned` are those to be sent, by the image's position in its batch; `known` is what became of the others
        before.
        """
        with self._changed:
            self.batch, self.planned, self._places = batch, dict(planned), list(planned)
            self._results = dict(known or {})
            self._changed.notify_all()

    def wait_for_plan(self, timeout: float) -> None:
        """Return once it is known what it is, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.batch is not None or bool(self.planned), timeout)

    @property
    def only(self) -> Planned | None:
        """The one execution that this is; None where it is a batch, or not planned yet."""
        return self.planned[self._places[0]] if self.batch is None and self.planned else None

    @property
    def execution(self) -> Execution | None:
        """How the only one ended; None before that, and of a batch."""
        with self._changed:
            return self._ended[0] if self._ended and not self.batch else None

    @property
    def images(self) -> int:
        """How many there are, with those that ended before."""
        return len(self.batch.keys) if self.batch else len(self.planned)

    @property
    def running(self) -> int:
        with self._changed:
            return len(self._running)

    def results(self) -> list[Result]:
        """What became of the images that came to an end, the latest last."""
        with self._changed:
            return list(self._results.values())

    def rate(self) -> float | None:
        """Executions that ended in a second, over the last half minute; None before two have."""
        with self._changed:
            ends = [end for end in self._ends if end >= self._ends[-1] - _RATE_OVER] if self._ends else []
        return (len(ends) - 1) / (ends[-1] - ends[0]) if len(ends) > 1 and ends[-1] > ends[0] else None

    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate; None while there is none."""
        rate = self.rate()
        return (len(self.planned) - len(self._ends)) / rate if rate else None

    def wait(self, timeout: float) -> None:
        """Return once the only one has ended, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._ended), timeout)

    def tell(self, number: int, ended: Execution | None) -> None:
        """Take note that one of what is planned starts, or how it ended."""
        place = self._places[number]
        with self._changed:
            if ended is None:
                self._running.add(place)
                return
            self._running.discard(place)
            self._ends.append(time.monotonic())
            self._results.pop(place, None)  # to be the latest
            self._results[place] = Result.of(place, ended, self.planned[place].key)
            self._ended.append(ended)
            self._changed.notify_all()

    def ended_since(self, count: int) -> list[Execution]:
        """The executions that ended in this run, without the first so many."""
        with self._changed:
            return self._ended[count:]


def submit_images(
    environment: Environment,
    keys: Sequence[str],
    title: str,
    progress: Progress = no_progress,
    *,
    submission: Submission | None = None,
) -> Submission:
    """Send images of the bucket through the workflow and wait for all; several are a batch, one is not.

    As `run_batch` in what it raises; what a batch came to is kept in the bucket then too. `submission` is one to be
    planned, for whoever follows it meanwhile.
    """
    sent = submission or Submission()
    if len(keys) == 1:
        sent.plan({0: Planned.of_image(environment, keys[0])})
        return _run(environment, sent, progress)
    batch = new_batch(environment, title, keys)
    planned = {
        position: Planned.of_image(environment, key, batch.execution_name(position))
        for position, key in enumerate(keys)
    }
    sent.plan(planned, batch)
    return _run(environment, sent, progress)


def submit_again(
    environment: Environment, name: str, progress: Progress = no_progress, *, submission: Submission | None = None
) -> Submission:
    """Start an execution with the input of this one, and wait for it; raises NotFound when that is gone."""
    sent = submission or Submission()
    sent.plan({0: planned_again(environment, name)})
    return _run(environment, sent, progress)


def resume_batch(
    environment: Environment,
    batch_id: str,
    progress: Progress = no_progress,
    *,
    again: bool = False,
    submission: Submission | None = None,
) -> Submission:
    """Send those images of a batch that were not sent yet, follow those that run, and wait for all.

    With `again` also those whose execution failed, under the next attempt's name. None is sent that has a verdict.
    """
    batch = read_batch(environment, batch_id)
    known = read_results(environment, batch_id)
    progress(0.0, "Looking for what was sent.")
    sent = _attempts(environment, batch)
    planned = {}
    for position, key in enumerate(batch.keys):
        attempt = _next_attempt(batch, known.get(position), sent.get(position, 0), again=again)
        if attempt:
            name, is_started = batch.execution_name(position, attempt), attempt <= sent.get(position, 0)
            planned[position] = Planned.of_image(environment, key, name, is_started=is_started)
    kept = {position: result for position, result in known.items() if position not in planned}
    resumed = submission or Submission()
    resumed.plan(planned, batch, kept)
    return _run(environment, resumed, progress)


def _next_attempt(batch: Batch, result: Result | None, sent: int, *, again: bool) -> int | None:
    """The attempt to send, or to follow where it is among those that were sent; None where all is known."""
    found = batch.attempt_of(result.execution) if result else None
    told = found[1] if found else 0
    is_known = result is not None and result.is_settled and told >= sent
    if not is_known:
        return max(told, sent, 1)
    return told + 1 if again and result is not None and result.has_failed else None


def _attempts(environment: Environment, batch: Batch) -> dict[int, int]:
    """The last attempt of each image that Step Functions tells of."""
    sent: dict[int, int] = {}
    for item in listed_executions(environment, batch.created_at - _CLOCKS):
        if found := batch.attempt_of(item["name"]):
            position, attempt = found
            sent[position] = max(attempt, sent.get(position, 0))
    return sent


def _run(environment: Environment, submission: Submission, progress: Progress) -> Submission:
    keeping = _Keeping(environment, submission)

    def went_on(share: float, text: str) -> None:
        progress(share, text)
        keeping.now_and_then()

    try:
        run_planned(environment, list(submission.planned.values()), went_on, submission.tell)
    except BaseException as ended:
        try:
            keeping.keep(BatchState.CANCELLED)
        except SconesError as error:  # the next run finds it out from Step Functions
            ended.add_note(f"What became of the last images was not kept: {error}")
        raise
    keeping.keep(BatchState.ENDED)
    return submission


class _Keeping:
    """Keeps what is known of a submission where it outlives this process: now and then, and in the end."""

    def __init__(self, environment: Environment, submission: Submission) -> None:
        self._environment, self._submission = environment, submission
        self._last = time.monotonic()
        self._stored = 0

    def now_and_then(self) -> None:
        results = len(self._submission.results())
        if time.monotonic() - self._last < _KEPT_EVERY + results / 500:
            return
        try:
            self.keep(BatchState.RUNNING)
        except AwsRequestError:  # the bucket may answer the next time, and must in the end
            self._last = time.monotonic()

    def keep(self, state: BatchState) -> None:
        ended = self._submission.ended_since(self._stored)
        execution_store.keep(self._environment, ended)
        self._stored += len(ended)
        if batch := self._submission.batch:
            write_results(self._environment, batch, self._submission.results(), state)
        self._last = time.monotonic()
