"""What an interpreter of Amazon States Language is given, the answers of tasks, and what came of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from backend.workflow.history import read_visits

ACCOUNT, REGION = "000000000000", "us-east-1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/any"
LIMIT_SECONDS = 30


@dataclass(frozen=True)
class Raises:
    """A function's answer that is an exception of its own."""

    error: str
    message: str = "Something is wrong."

    def payload(self) -> dict[str, Any]:
        return {"errorType": self.error, "errorMessage": self.message, "stackTrace": []}


@dataclass(frozen=True)
class Refused:
    """A service that does not do what it is asked; of Lambda it becomes `Lambda.<code>`."""

    code: str
    message: str = "The service says no."

    def raised(self) -> ClientError:
        response = {"HTTPStatusCode": 400, "RequestId": "1"}
        said = {"Error": {"Code": self.code, "Message": self.message}, "ResponseMetadata": response}
        return ClientError(said, "Any")  # type: ignore[arg-type]  # which knows of more metadata


HANGS = object()
"""An answer that does not come."""


@dataclass
class Tasks:
    """What tasks answer, by the last part of their function's or topic's ARN: one after another, the last ever again.

    `asked` has what each was given.
    """

    answers: Mapping[str, Sequence[Any] | Callable[[Any], Any]]
    asked: list[tuple[str, Any]] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, arn: str, content: Any) -> Any:
        name = arn.rpartition(":")[2]
        with self._lock:
            number = self.calls[name]
            self.asked.append((name, content))
        answers = self.answers.get(name, [{}])
        found = answers(content) if callable(answers) else answers[min(number, len(answers) - 1)]
        if found is HANGS:
            self._is_over.wait(LIMIT_SECONDS)
            return None
        return found

    @contextmanager
    def until_over(self) -> Iterator[None]:
        """Let go of what hangs, in the end."""
        try:
            yield
        finally:
            self._is_over.set()

    @property
    def calls(self) -> Counter[str]:
        return Counter(name for name, _ in self.asked)


@dataclass(frozen=True)
class Ended:
    """What came of an execution: how it ended, through which states, and how often each task was asked."""

    status: str
    error: str | None
    cause: str | None
    output: Any
    states: list[str]
    calls: Mapping[str, int]
    ways: set[tuple[str, ...]]
    """The states of each execution of it and of those that it started."""


Events = Sequence[Mapping[str, Any]]


def ended(described: Mapping[str, Any], events: Events, started: Iterable[Events], tasks: Tasks) -> Ended:
    error, cause = described.get("error"), described.get("cause")
    status = getattr(described["status"], "value", described["status"])  # an enumeration in moto
    return Ended(
        status,
        error,
        cause and cause.partition(" (Service: ")[0],  # behind which each SDK words a refusal in its own way
        json.loads(described["output"]) if status == "SUCCEEDED" else None,
        states_of(events),
        tasks.calls,
        {tuple(states_of(one)) for one in started},
    )


def states_of(events: Events) -> list[str]:
    return [visit.name for visit in read_visits(events, None, has_ended=True)]


Definitions = Mapping[str, Mapping[str, Any]]
"""By the state machine's name; the first is started."""
