"""What thousands of ended executions cost the embedded AWS: its start, a save of its state, and a kill.

A few executions are the workflow's own, with a model behind it; the others are of a state machine of Pass states, whose
histories are as large as those.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from backend import workflow
from backend.aws.environment import Environment, open_environment
from backend.settings import Settings
from benchmarks.place import say
from benchmarks.workflow import deployed, keys_of

_REAL = 200
_AT_ONCE = 8
_RUNNING = 8
"""Executions that run as the state is saved."""
_KILLS = 5
_STATES = 8
"""Of the state machine of Pass states; two events each, and two for the execution itself."""


def measure(executions: int = 5_000) -> dict[str, Any]:
    """The figures, in seconds; `failed_again` are executions that had ended, and have another end after a kill."""
    with deployed() as environment:
        ended = workflow.run_batch(environment, keys_of(environment, min(_REAL, executions)))
        size = _history_bytes(environment, ended[-1].name)
        say(f"{Counter(one.outcome for one in ended)}; a history has {size} bytes")
        padded = _padded(environment, size)
        _run_padded(padded, executions - len(ended))
        failed_again = _kill(environment, padded)
        copy = Path(tempfile.mkdtemp(prefix="scones-histories-")) / "state"
        try:
            started = time.perf_counter()
            environment.close()
            figures = {"stop_seconds": _since(started)}
            shutil.copytree(environment.settings.state_dir, copy)
            figures |= {"start_seconds": _start(copy), "start_empty_seconds": _start(copy.parent / "empty")}
            figures |= _save(copy)
        finally:
            shutil.rmtree(copy.parent, ignore_errors=True)
    return {"executions": executions, "history_bytes": size, "failed_again": failed_again, **figures}


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _history_bytes(environment: Environment, name: str) -> int:
    arn = environment.names.execution_arn(name)
    pages = environment.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
    return sum(len(json.dumps(event, default=str)) for page in pages for event in page["events"])


def _padded(environment: Environment, size: int) -> Environment:
    """A project whose state machine makes histories of this size, of Pass states."""
    own = replace(environment, settings=environment.settings.model_copy(update={"project": "scones-histories"}))
    result = {"padding": base64.b64encode(os.urandom(size * 3 // (8 * _STATES))).decode()}
    names = [f"State{number}" for number in range(_STATES)]
    states: dict[str, Any] = {
        name: {"Type": "Pass", "Result": result, "Next": after}
        for name, after in zip(names, [*names[1:], "Done"], strict=True)
    }
    definition = {"StartAt": names[0], "States": states | {"Done": {"Type": "Succeed"}}}
    own.stepfunctions.create_state_machine(
        name=own.project, definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/any"
    )
    return own


def _run_padded(padded: Environment, executions: int) -> None:
    """Only as many are started before the next is looked at as are in flight."""

    def run(number: int) -> None:
        arn = padded.stepfunctions.start_execution(
            stateMachineArn=padded.names.state_machine_arn, name=f"padded-{number:06}"
        )["executionArn"]
        while padded.stepfunctions.describe_execution(executionArn=arn)["status"] == "RUNNING":
            time.sleep(0.005)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, _ in enumerate(pool.map(run, range(executions)), 1):
            if number % 500 == 0:
                say(f"{number} of {executions} executions of Pass states")


def _ends(padded: Environment) -> dict[str, str]:
    """The status of each execution that is said to have ended."""
    return {item["name"]: item["status"] for item in _listed(padded) if item["status"] != "RUNNING"}


def _listed(padded: Environment) -> Iterator[Any]:
    pages = padded.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=padded.names.state_machine_arn
    )
    for page in pages:
        yield from page["executions"]


def _kill(environment: Environment, padded: Environment) -> int:
    """Kill MiniStack while executions end, a few times; how many ended ones have another end afterwards."""
    lock = environment.settings.state_dir / "aws" / "ministack.lock"
    changed = 0
    for round_ in range(_KILLS):
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for number in range(40):
                pool.submit(_try_to_start, padded, f"killed-{round_}-{number}")
            before = _ends(padded)
            os.kill(int(lock.read_text()), signal.SIGKILL)
        after = _ends(padded)
        changed += sum(after.get(name) != status for name, status in before.items())
    return changed


def _try_to_start(padded: Environment, name: str) -> None:
    with suppress(ClientError):
        padded.stepfunctions.start_execution(stateMachineArn=padded.names.state_machine_arn, name=name)


def _start(folder: Path) -> float:
    """From nothing to an embedded AWS that answers; it is ended again."""
    started = time.perf_counter()
    with closing(open_environment(Settings(environment="embedded", state_dir=folder, project="scones-workflow"))):
        return _since(started)


def _save(folder: Path) -> dict[str, float]:
    """MiniStack's state in this process: loaded, and saved with a change everywhere and executions that run."""
    from embedded_aws.ministack import create_app

    state = create_app(folder / "aws" / "ministack", port=1)._state  # type: ignore[attr-defined]
    from ministack import app
    from ministack.services import stepfunctions

    started = time.perf_counter()
    app._load_persisted_state()
    figures = {"load_seconds": _since(started)}
    _run_again(stepfunctions)
    state._written.clear()
    started = time.perf_counter()
    state.save(logs=True)
    return figures | {"save_seconds": _since(started)}


def _run_again(stepfunctions: Any) -> None:
    """Let the newest executions run, with all that they have gone through."""
    newest: Sequence[Any] = list(stepfunctions._executions._data.items())[-_RUNNING:]
    for key, execution in newest:
        stepfunctions._executions._data[key] = execution | {"stopDate": None, "events": list(execution["events"])}
