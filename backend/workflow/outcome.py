"""What came of an image that was sent through the workflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from backend.staging.labels import OTHER

REJECTED = "THRESHOLD_CONFIDENCE_NOT_MET"
"""The error of an execution whose answer was not confident enough: a result, not an outage."""
NOT_A_KNOWN_CLASS = "NOT_A_KNOWN_CLASS"
"""The error of an execution whose answer was `other`, however confident: a result too."""


class Outcome(StrEnum):
    """How an execution stands, in the operations team's words."""

    RUNNING = "running"
    PASSED = "passed"
    REJECTED = "rejected"
    UNKNOWN = "not a known class"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"


JUDGED = (Outcome.PASSED, Outcome.REJECTED, Outcome.UNKNOWN)
"""What an execution with a verdict comes to."""
BY_STATUS = {
    "RUNNING": Outcome.RUNNING,
    "PENDING_REDRIVE": Outcome.RUNNING,
    "SUCCEEDED": Outcome.PASSED,
    "FAILED": Outcome.FAILED,
    "ABORTED": Outcome.STOPPED,
    "TIMED_OUT": Outcome.TIMED_OUT,
}
"""By Step Functions' status; a failed one may be a rejection, which its error tells."""
REJECTIONS = {REJECTED: Outcome.REJECTED, NOT_A_KNOWN_CLASS: Outcome.UNKNOWN}
"""By the error with which an execution failed."""

Probability = Annotated[float, msgspec.Meta(ge=0, le=1.001)]
"""FilterInference lets a thousandth pass for rounding."""


@dataclass(frozen=True)
class Verdict:
    """FilterInference's answer; `probabilities` has one for each label.

    Those from before there was a class `other` do not say whether the class `is_known`: every class was.
    """

    predicted_label: str
    predicted_index: Annotated[int, msgspec.Meta(ge=0)]
    confidence: Probability
    probabilities: Annotated[tuple[Probability, ...], msgspec.Meta(min_length=1, max_length=1000)]
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)]
    meets_threshold: bool
    is_known: bool = True

    @classmethod
    def from_json(cls, text: str | None) -> Verdict | None:
        """The verdict in an execution's output or cause; None when that is something else.

        A cause is a sentence with the verdict behind it; those of before there was one are the verdict alone.
        """
        _, mark, behind = (text or "").rpartition(_MARK)
        try:
            return _verdicts.decode(_OBJECT + behind if mark else text or "")
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return None


_OBJECT = '{"'
_MARK = f" Verdict: {_OBJECT}"
"""As in the state machine's definition. It cannot be in JSON's own texts, where a quote has a backslash before it."""
_verdicts = msgspec.json.Decoder(Verdict)


@dataclass(frozen=True)
class StateVisit:
    """A state that an execution went through.

    `status` is running, succeeded, failed, rejected, not a known class, or stopped.
    """

    name: str
    status: str
    entered_at: datetime
    exited_at: datetime | None = None
    input: Any = None
    output: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Event:
    """An event of an execution's history: when, of which state, and what AWS tells with it, by name."""

    number: int
    kind: str
    at: datetime
    state: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Execution:
    """One image's way through the state machine, or whatever somebody else started it with.

    `input` is any JSON value, or a text that is none. `s3_key` is the image's key in the project's bucket; None where
    the input names no image there.
    """

    name: str
    status: str
    started_at: datetime
    stopped_at: datetime | None
    input: Any
    s3_key: str | None = None
    verdict: Verdict | None = None
    error: str | None = None
    cause: str | None = None
    visits: tuple[StateVisit, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """A rejection fails the execution, yet is told from an outage."""
        rejection = REJECTIONS.get(self.error or "") if self.status == "FAILED" else None
        return rejection or BY_STATUS[self.status]

    @property
    def has_ended(self) -> bool:
        return self.outcome is not Outcome.RUNNING

    def is_right(self, true_label: str) -> bool | None:
        """Whether it ended as its image should; None where nothing was decided.

        Right is an image of a known class that passed under its name, and one of no known class that was rejected so.
        """
        if self.outcome is Outcome.UNKNOWN:
            return true_label == OTHER
        if self.outcome is Outcome.PASSED and self.verdict is not None:
            return self.verdict.predicted_label == true_label != OTHER
        return None
