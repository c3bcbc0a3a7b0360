"""Figures that rules watch: each reads a value of the captured records in every one of a row of windows.

To add one, call `register`: the page offers it, and rules may name it. `read` is asked about many windows at once, and
answers None for a window of which nothing can be said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from backend.aws.environment import Environment
from backend.monitoring import CaptureSource

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Unit(StrEnum):
    """What a figure counts in."""

    SHARE = "share from 0 to 1"
    CONFIDENCE = "confidence from 0 to 1"
    PER_HOUR = "records per hour"
    SECONDS = "seconds"
    MINUTES = "minutes"
    YES_OR_NO = "1 where it is on, else 0"


class Takes(StrEnum):
    """What else a rule says of a figure."""

    NOTHING = "nothing"
    CLASS = "class"
    FEATURE = "feature"
    QUANTILE = "quantile"
    THRESHOLD = "threshold to pass"


Check = Literal["data_type_check", "completeness_check", "categorical_values_check", "baseline_drift_check"]
"""Kinds of violations. Source: SageMaker developer guide, "Schema for Violations (constraint_violations.json file)"."""


@dataclass(frozen=True)
class Windows:
    """Windows side by side, by the time of inference: `count` of them from `start` on, each as long as `period`."""

    start: datetime
    period: timedelta
    count: int

    @property
    def end(self) -> datetime:
        return self.start + self.count * self.period

    def end_of(self, number: int) -> datetime:
        """Where a window ends, numbered from 0."""
        return self.start + (number + 1) * self.period

    @classmethod
    def until(cls, end: datetime, period: timedelta, count: int) -> Windows:
        """The last `count` windows that are over at this time; they begin at multiples of the period since 1970 UTC."""
        last = EPOCH + (end - EPOCH) // period * period
        return cls(last - count * period, period, count)


@dataclass(frozen=True)
class Question:
    """Of which records a figure is asked.

    `label` is a class or a feature and `level` a quantile or a threshold, where the figure takes one. `labels` are the
    source's classes in the order of the probabilities, `threshold` the deployed one; None where there is none.
    """

    environment: Environment
    source: CaptureSource
    variant: str | None
    label: str | None
    level: float | None
    labels: tuple[str, ...]
    threshold: float | None


@dataclass(frozen=True)
class Reading:
    """A value, and how many records it rests on; None where that is no matter, as of traffic itself."""

    value: float
    records: int | None


Read = Callable[[Question, Windows], Sequence[Reading | None]]
"""A reading, or None for nothing, of each window; raises SconesError where it cannot be read now."""


@dataclass(frozen=True)
class Figure:
    """Something that can be watched; `feature` and `check` are how Model Monitor's file of violations has it.

    `first` is the threshold that the page begins with, `features` those of which one is watched where it takes one.
    At most so many windows as `most_windows` are read for a preview, where that takes long.
    """

    name: str
    title: str
    unit: Unit
    read: Read
    takes: Takes = Takes.NOTHING
    feature: str = "confidence"
    check: Check = "baseline_drift_check"
    is_bad_when_low: bool = True
    first: float = 0.5
    features: tuple[str, ...] = ()
    most_windows: int = 3_000

    def say(self, value: float) -> str:
        """A value for people."""
        match self.unit:
            case Unit.SHARE:
                return f"{100 * value:.4g} %"
            case Unit.CONFIDENCE:
                return f"{value:.4g}"
            case Unit.YES_OR_NO:
                return "on" if value else "off"
            case _:
                return f"{value:,.4g} {self.unit.value}"


FIGURES: Final[dict[str, Figure]] = {}
"""By name, in the order in which the page offers them."""


def register(figure: Figure) -> None:
    """Let rules watch this figure; one of the same name is replaced."""
    FIGURES[figure.name] = figure
