"""What came of an image that was sent through the workflow."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

REJECTED = "THRESHOLD_CONFIDENCE_NOT_MET"
"""The error of an execution whose answer was not confident enough: a result, not an outage."""


class Outcome(StrEnum):
    """How an execution stands, in the operations team's words."""

    RUNNING = "running"
    PASSED = "passed"
    REJECTED = "rejected"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"


_OUTCOMES = {
    "RUNNING": Outcome.RUNNING,
    "PENDING_REDRIVE": Outcome.RUNNING,
    "SUCCEEDED": Outcome.PASSED,
    "FAILED": Outcome.FAILED,
    "ABORTED": Outcome.STOPPED,
    "TIMED_OUT": Outcome.TIMED_OUT,
}


@dataclass(frozen=True)
class Verdict:
    """FilterInference's answer; `probabilities` has one for each label."""

    predicted_label: str
    predicted_index: int
    confidence: float
    probabilities: tuple[float, ...]
    threshold: float
    meets_threshold: bool

    @classmethod
    def from_json(cls, text: str | None) -> Verdict | None:
        """The verdict in an execution's output or cause; None when that is something else."""
        try:
            content = json.loads(text or "")
            return cls(
                predicted_label=content["predicted_label"],
                predicted_index=content["predicted_index"],
                confidence=content["confidence"],
                probabilities=tuple(content["probabilities"]),
                threshold=content["threshold"],
                meets_threshold=content["meets_threshold"],
            )
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class StateVisit:
    """A state that an execution went through; `status` is running, succeeded, failed or rejected."""

    name: str
    status: str
    entered_at: datetime
    exited_at: datetime | None = None
    input: Any = None
    output: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Execution:
    """One image's way through the state machine; its name is the inference id of the captured record."""

    name: str
    status: str
    started_at: datetime
    stopped_at: datetime | None
    input: dict[str, Any]
    verdict: Verdict | None = None
    error: str | None = None
    cause: str | None = None
    visits: tuple[StateVisit, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """A rejection fails the execution, yet is told from an outage."""
        return Outcome.REJECTED if self.error == REJECTED else _OUTCOMES[self.status]

    @property
    def has_ended(self) -> bool:
        return self.outcome is not Outcome.RUNNING

    @property
    def s3_key(self) -> str:
        """The image's key in the bucket."""
        return str(self.input.get("s3_key", ""))
