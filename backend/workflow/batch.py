"""Many images through the workflow, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from backend.aws.environment import Environment
from backend.errors import AwsRequestError, NotFound, SconesError
from backend.progress import Progress, no_progress
from backend.workflow.content import read_content
from backend.workflow.executions import describe_execution, execution_name, image_input, passes, start_execution
from backend.workflow.outcome import Execution
from backend.workflow.watch import Watch

NOT_STARTED = "NotStarted"
"""The error of an image whose execution AWS did not start."""
NOT_FOLLOWED = "NotFollowed"
"""The error of an image whose execution was started, and then could not be asked for: it may run on."""
_AT_ONCE = 8
_FRESH_SECONDS = 10.0
"""How long AWS may say of an execution that has just started that there is none."""
_PATIENCE_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0


@dataclass(frozen=True)
class Planned:
    """An execution that is to be: its name, which no other has or had, the image's key, and the input as JSON.

    One that `is_started` is only followed to its end.
    """

    name: str
    key: str | None
    content: str
    is_started: bool = False

    @classmethod
    def of_image(
        cls, environment: Environment, key: str, name: str | None = None, *, is_started: bool = False
    ) -> Planned:
        """An image's, by default under a name that is new."""
        return cls(name or execution_name(key), key, image_input(environment, key), is_started)


Tell = Callable[[int, Execution | None], None]
"""Takes a position and the execution that has ended there, or None where it is about to start; from any thread."""


def nobody(_position: int, _ended: Execution | None) -> None:
    """Nobody wants to be told."""


def run_batch(environment: Environment, keys: Sequence[str], progress: Progress = no_progress) -> list[Execution]:
    """Send images through the state machine, at most 8 at once, and wait for all.

    Returns the ended executions, without the states they went through, in the order of `keys`. A call that fails costs
    its image, whose execution says so: NOT_STARTED, NOT_FOLLOWED. Raises what AWS says when none of the first 8 was
    started. A progress call that raises ends the submitting; executions that have started run on.
    """
    return run_planned(environment, [Planned.of_image(environment, key) for key in keys], progress)


def run_planned(
    environment: Environment, planned: Sequence[Planned], progress: Progress = no_progress, tell: Tell = nobody
) -> list[Execution]:
    """As `run_batch`, under names that are given, and telling of each one that starts or has ended."""
    done: dict[int, Execution] = {}
    first_error: SconesError | None = None
    with Watch(environment) as watch, ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = {
            pool.submit(_run_one, environment, watch, one, partial(tell, position)): position
            for position, one in enumerate(planned)
        }
        try:
            for future in as_completed(futures):
                position = futures[future]
                done[position], error = future.result()
                first_error = first_error or error
                if first_error and _none_started(done.values(), len(planned)):
                    raise first_error
                progress(len(done) / len(planned), f"{len(done)} of {len(planned)} images went through the workflow.")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            watch.close()
            raise
    if first_error is not None:
        progress(1.0, _summary(done.values(), first_error))
    return [done[position] for position in range(len(planned))]


def _none_started(ended: Iterable[Execution], expected: int) -> bool:
    """Whether the batch began with nothing but refusals: they would be the same for the rest."""
    errors = [execution.error for execution in ended]
    return len(errors) >= min(_AT_ONCE, expected) and set(errors) == {NOT_STARTED}


def _run_one(
    environment: Environment, watch: Watch, planned: Planned, tell: Callable[[Execution | None], None]
) -> tuple[Execution, SconesError | None]:
    """The ended execution of an image, and what kept it from being followed to its end."""
    tell(None)
    execution, error = _end_of(environment, watch, planned)
    tell(execution)
    return execution, error


def _end_of(environment: Environment, watch: Watch, planned: Planned) -> tuple[Execution, SconesError | None]:
    try:
        if not planned.is_started:
            start_execution(environment, planned.name, planned.content)
    except SconesError as error:
        return _costs(planned, NOT_STARTED, error), error
    try:
        return _follow(environment, watch, planned.name), None
    except SconesError as error:
        return _costs(planned, NOT_FOLLOWED, error), error


def _follow(environment: Environment, watch: Watch, name: str) -> Execution:
    """The execution, once it has ended; it is described then, and mostly once."""
    started = time.monotonic()
    while True:
        watch.wait(name, started)
        execution = _describe(environment, name, started)
        if execution is not None and execution.has_ended:
            return execution
        watch.was_wrong(started)


def _describe(environment: Environment, name: str, started: float) -> Execution | None:
    """The execution as it is now; None when it is so fresh that AWS does not know it yet.

    Asks for a minute where AWS refuses for now, or cannot be reached.
    """
    asked, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        try:
            return describe_execution(environment, name, with_history=False)
        except NotFound:
            if time.monotonic() - started >= _FRESH_SECONDS:
                raise
            return None
        except AwsRequestError as error:
            if not passes(error) or time.monotonic() - asked >= _PATIENCE_SECONDS:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _costs(planned: Planned, error: str, reason: SconesError) -> Execution:
    """What stands for an image that was lost to a call that failed."""
    now = datetime.now(UTC)
    content = read_content(planned.content)
    return Execution(planned.name, "FAILED", now, now, content, s3_key=planned.key, error=error, cause=str(reason))


def _summary(ended: Iterable[Execution], error: SconesError) -> str:
    errors = [execution.error for execution in ended]
    lost = sum(name in (NOT_STARTED, NOT_FOLLOWED) for name in errors)
    return f"{len(errors) - lost} of {len(errors)} images went through the workflow. Of the other {lost}: {error}"
