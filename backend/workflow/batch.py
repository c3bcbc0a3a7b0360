"""Many images through the workflow, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.progress import Progress, no_progress
from backend.workflow.executions import describe_execution, submit_image
from backend.workflow.outcome import Execution

_AT_ONCE = 8
_LONGEST_PAUSE = 0.5


def run_batch(environment: Environment, keys: Sequence[str], progress: Progress = no_progress) -> list[Execution]:
    """Send images through the state machine, at most 8 at once, and wait for all.

    Returns the ended executions, without the states they went through, in the order of `keys`. A progress call that
    raises ends the submitting; executions that have started run on.
    """
    done: dict[int, Execution] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = {pool.submit(_run_one, environment, key): position for position, key in enumerate(keys)}
        try:
            for future in as_completed(futures):
                done[futures[future]] = future.result()
                progress(len(done) / len(keys), f"{len(done)} of {len(keys)} images went through the workflow.")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [done[position] for position in range(len(keys))]


def _run_one(environment: Environment, key: str) -> Execution:
    name = submit_image(environment, key)
    for _ in attempts(f"Execution {name}", longest_pause=_LONGEST_PAUSE):
        execution = describe_execution(environment, name, with_history=False)
        if execution.has_ended:
            break
    return execution
