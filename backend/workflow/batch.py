"""Many images through the workflow, a few at a time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from backend.environment import Environment
from backend.progress import Progress, no_progress
from backend.workflow.executions import describe_execution, submit_image
from backend.workflow.model import Execution

_POLL_SECONDS = 0.1


def run_batch(
    environment: Environment, keys: Sequence[str], progress: Progress = no_progress, concurrency: int = 8
) -> list[Execution]:
    """Send images through the state machine, at most `concurrency` at once, and wait for all.

    Returns the ended executions, without their steps, in the order of `keys`. A progress call that raises ends the
    submitting; executions that have started run on.
    """
    done: dict[int, Execution] = {}
    with ThreadPoolExecutor(concurrency) as pool:
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
    while not (execution := describe_execution(environment, name, with_steps=False)).has_ended:
        time.sleep(_POLL_SECONDS)
    return execution
