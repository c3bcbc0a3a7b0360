"""Many images through the workflow, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime

from backend.aws.environment import Environment
from backend.errors import AwsRequestError, NotFound, SconesError
from backend.progress import Progress, no_progress
from backend.workflow.executions import describe_execution, execution_name, passes, submit_image
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


def run_batch(environment: Environment, keys: Sequence[str], progress: Progress = no_progress) -> list[Execution]:
    """Send images through the state machine, at most 8 at once, and wait for all.

    Returns the ended executions, without the states they went through, in the order of `keys`. A call that fails costs
    its image, whose execution says so: NOT_STARTED, NOT_FOLLOWED. Raises what AWS says when none of the first 8 was
    started. A progress call that raises ends the submitting; executions that have started run on.
    """
    done: dict[int, Execution] = {}
    first_error: SconesError | None = None
    with Watch(environment) as watch, ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = {pool.submit(_run_one, environment, watch, key): position for position, key in enumerate(keys)}
        try:
            for future in as_completed(futures):
                position = futures[future]
                done[position], error = future.result()
                first_error = first_error or error
                if first_error and _none_started(done.values(), len(keys)):
                    raise first_error
                progress(len(done) / len(keys), f"{len(done)} of {len(keys)} images went through the workflow.")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            watch.close()
            raise
    if first_error is not None:
        progress(1.0, _summary(done.values(), first_error))
    return [done[position] for position in range(len(keys))]


def _none_started(ended: Iterable[Execution], expected: int) -> bool:
    """Whether the batch began with nothing but refusals: they would be the same for the rest."""
    errors = [execution.error for execution in ended]
    return len(errors) >= min(_AT_ONCE, expected) and set(errors) == {NOT_STARTED}


def _run_one(environment: Environment, watch: Watch, key: str) -> tuple[Execution, SconesError | None]:
    """The ended execution of an image, and what kept it from being followed to its end."""
    name = execution_name(key)
    try:
        submit_image(environment, key, name)
    except SconesError as error:
        return _costs(environment, key, name, NOT_STARTED, error), error
    try:
        return _follow(environment, watch, name), None
    except SconesError as error:
        return _costs(environment, key, name, NOT_FOLLOWED, error), error


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


def _costs(environment: Environment, key: str, name: str, error: str, reason: SconesError) -> Execution:
    """What stands for an image that was lost to a call that failed."""
    now, content = datetime.now(UTC), {"s3_bucket": environment.bucket, "s3_key": key}
    return Execution(name, "FAILED", now, now, content, s3_key=key, error=error, cause=str(reason))


def _summary(ended: Iterable[Execution], error: SconesError) -> str:
    errors = [execution.error for execution in ended]
    lost = sum(name in (NOT_STARTED, NOT_FOLLOWED) for name in errors)
    return f"{len(errors) - lost} of {len(errors)} images went through the workflow. Of the other {lost}: {error}"
