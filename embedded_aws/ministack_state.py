"""MiniStack's state on disk (1.5.33): what was acknowledged half a second ago survives kill -9, however much there is.

By itself MiniStack writes everything anew, and only when it ends. Here each service has a file that is written when it
changed, with the one before it kept; executions, of which there are ever more, have a row each in a journal.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from embedded_aws.damage import put_aside
from embedded_aws.ministack_journal import Execution, ExecutionJournal

_log = logging.getLogger(__name__)
_LOGS = frozenset({"cloudwatch_logs", "cloudwatch"})
"""Services that a training job writes to all the time."""
_SETTLING_SECONDS = 5.0
"""How long a stack that is being changed keeps the state of before on disk: half a change is of no use."""
SAVED_BEFORE_ANSWER = frozenset({"states", "cloudformation"})
"""Services, as signatures name them, whose answers wait for what they tell to be on disk."""
_INTERRUPTED = "The embedded AWS ended while this was under way"
_INTERRUPTED_STATUS = {"CREATE": "CREATE_FAILED", "DELETE": "DELETE_FAILED"}
"""Of a stack, by what was under way; any other is as it was before, and can be changed again."""


class MiniStackState:
    """The state of all services, in a folder of its own. Safe to use from any thread."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._written: dict[str, bytes] = {}
        self._changing = folder / "changing-stacks.txt"
        self._changing_since: float | None = None
        self._is_closed = False
        self._saved_stacks: object = None
        self.last_end = float("-inf")
        """When an execution ended last, by `time.monotonic()`: it may have changed anything, without any request."""
        self._journal = ExecutionJournal(folder / "executions.sqlite")

    def install(self) -> None:
        """Make MiniStack load and save here; call it once, before it starts."""
        from ministack import app
        from ministack.services import lambda_svc, stepfunctions

        lambda_svc._prune_orphan_code_blobs = lambda _referenced: None  # the file of before still names them
        stepfunctions.get_state = lambda: _state_of(stepfunctions)
        stepfunctions._executions._data = self._journal.executions
        stepfunctions._run_execution = self._saved_at_its_end(stepfunctions._run_execution)
        app._load_persisted_state = self.load
        app.save_all = lambda _services: self._finish()

    def _saved_at_its_end(self, run: Callable[[str], None]) -> Callable[[str], None]:
        """The way of an execution, with its end written at once: a kill -9 must not make a failure of it."""

        def run_and_save(arn: str) -> None:
            run(arn)
            self.last_end = time.monotonic()
            try:
                self._journal.save_urgent()
            except FAILURES as error:  # the next save has it
                _log.error("the end of an execution could not be saved: %s", error)

        return run_and_save

    def load(self) -> None:
        """Restore every service; a file that cannot be read is put aside for the one before it."""
        from ministack import app

        for service, module in app._state_map.items():
            for path in (self._path(service), self._path(service, ".bak")):
                if path.exists() and self._restore(app._get_module(module), service, path):
                    break
        self._journal.load()
        for execution in self._journal.executions.values():
            if not execution.get("stopDate"):
                _interrupt(execution)
        _settle_stacks(set(self._changing.read_text().splitlines()) if self._changing.exists() else set())
        try:
            self.save(logs=False)
        except FAILURES as error:  # it is tried again
            _log.error("the state could not be saved: %s", error)

    def save(self, *, logs: bool) -> None:
        """Write what changed; `logs` too, of which there may be much. Raises OSError or sqlite3.Error."""
        with self._lock:
            if self._is_closed:
                return
            self._journal.save()
            stacks = _stacks()
            if self._is_changing():
                return
            changed = {name: content for name, content in _contents(logs) if self._written.get(name) != content}
            if _stacks() != stacks:  # half of a change was copied: the next save has the whole
                return
            for name, content in changed.items():
                _write(self._path(name, ".new"), content)
            for name in changed:  # together, as far as a file system can: a stack and what it made belong together
                self._replace(name)
            self._written |= changed
            self._saved_stacks = stacks
            self._changing.unlink(missing_ok=True)

    def before_answer(self, service: str) -> None:
        """Write what an answer of a service is about to tell. Raises OSError or sqlite3.Error."""
        if service == "states":
            self._journal.save_urgent()
        elif service == "cloudformation":
            with self._lock:  # a save that is under way would take the mark of a change that it has not seen away
                if changing := _changing_stacks():
                    self._changing.write_text("\n".join(changing))
            while _stacks() != self._saved_stacks and not (_changing_stacks() or self._is_closed):
                self.save(logs=False)

    def _finish(self) -> None:
        """Save for the last time, as MiniStack ends."""
        try:
            self.save(logs=True)
        except FAILURES as error:
            _log.error("the state could not be saved at the end: %s", error)
        with self._lock:
            self._is_closed = True
            self._journal.close()

    def _is_changing(self) -> bool:
        """Whether a stack is being changed now; not for ever, should one hang."""
        if not _changing_stacks():
            self._changing_since = None
            return False
        if self._changing_since is None:
            self._changing_since = time.monotonic()
        return time.monotonic() - self._changing_since < _SETTLING_SECONDS

    def _path(self, service: str, suffix: str = "") -> Path:
        return self._folder / f"{service}.json{suffix}"

    def _replace(self, service: str) -> None:
        path, kept = self._path(service), self._path(service, ".bak")
        with suppress(FileNotFoundError):
            kept.unlink(missing_ok=True)
            os.link(path, kept)
        self._path(service, ".new").replace(path)

    def _restore(self, module: Any, service: str, path: Path) -> bool:
        """Give a service its part back; False when the file has none, and is put aside then."""
        from ministack.core import persistence

        try:
            content = json.loads(path.read_bytes(), object_hook=persistence._json_object_hook)
            state = content.get("payload") if "__ministack_format__" in content else content
            if content.get("__ministack_format__", 0) > persistence._state_format_version(service):
                raise ValueError("a newer MiniStack wrote it")
            if service == "stepfunctions":
                self._adopt(state.pop("executions", None))
            if state:
                module.load_persisted_state(state)
        except Exception as error:  # whatever is in it: the one before it may be good
            put_aside(path, repr(error))
            return False
        return True

    def _adopt(self, executions: Any) -> None:
        """Take executions over from a file of an earlier version; the journal has them from now on."""
        for key, execution in getattr(executions, "_data", {}).items():
            self._journal.executions.setdefault(key, execution)
            self._journal.executions.open.add(key)


def _contents(logs: bool) -> Iterator[tuple[str, bytes]]:
    """What each service would have on disk now; one that changes under the copy is left for the next time."""
    from ministack import app
    from ministack.core import persistence

    for name, get_state in app._build_persistence_save_dict().items():
        if name in _LOGS and not logs:
            continue
        with suppress(RuntimeError):
            state = get_state()
            if state is not None:
                versioned = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
                yield name, json.dumps(versioned, default=persistence._json_default).encode()


def _state_of(stepfunctions: Any) -> dict[str, Any]:
    """All but the executions."""
    names = ("state_machines", "tags", "activities", "state_machine_versions", "state_machine_aliases", "map_runs")
    return {name: copy.deepcopy(getattr(stepfunctions, f"_{name}")) for name in names}


def _write(path: Path, content: bytes) -> None:
    """Raises OSError, and leaves nothing behind then."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _interrupt(execution: Execution) -> None:
    """End an execution that ran when the service ended: nothing knows how far it was."""
    from ministack.services import stepfunctions

    cause = f"{_INTERRUPTED}: it was interrupted, and nothing more of it runs. Start it again."
    stepfunctions._fail_execution(execution, "States.ServiceRestart", cause)


def _changing_stacks() -> list[str]:
    """The names of the stacks that are being changed, each with what is under way."""
    from ministack.services import cloudformation

    stacks = cloudformation._stacks.all_values()
    return [
        f"{stack['StackStatus'].partition('_')[0]} {stack['StackName']}"
        for stack in stacks
        if stack.get("StackStatus", "").endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS"
    ]


def _stacks() -> object:
    """What differs when anything has become of a stack."""
    from ministack.services import cloudformation

    stacks = [(stack["StackId"], stack.get("StackStatus")) for stack in cloudformation._stacks.all_values()]
    return stacks, sum(map(len, cloudformation._stack_events.all_values()))


def _settle_stacks(changing: set[str]) -> None:
    """Say of every stack whose change was interrupted that it was: it is as it was before."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation.stacks import _add_event

    lines = (line.partition(" ") for line in changing | set(_changing_stacks()))
    under_way = {name: action for action, _, name in lines}
    for (_account, _region, name), stack in cloudformation._stacks.all_items():
        if name in under_way and stack["StackStatus"] != "DELETE_COMPLETE":
            status = _INTERRUPTED_STATUS.get(under_way[name], "UPDATE_ROLLBACK_COMPLETE")
            stack["StackStatus"] = status
            reason = f"{_INTERRUPTED}: the stack is as it was before. Ask for it again."
            stack["StackStatusReason"] = reason
            _add_event(stack["StackId"], name, name, "AWS::CloudFormation::Stack", status, reason, stack["StackId"])


FAILURES = (OSError, sqlite3.Error)
"""What saving may raise."""
