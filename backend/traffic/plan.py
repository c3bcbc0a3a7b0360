"""What a run of traffic is to be, and where it is kept in the bucket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from backend.aws.names import TRAFFIC_PREFIX
from backend.errors import TrafficNotPossible
from backend.traffic.arrivals import Load
from backend.traffic.drift import Drift

FASTEST: Final = 20.0
"""Images a second. Step Functions starts more, but lets an account of its smaller regions describe 10 a second."""
SLOWEST: Final = 1 / 60
LONGEST_SECONDS: Final = 8 * 3600.0
MOST_IMAGES: Final = 50_000


@dataclass(frozen=True)
class TrafficPlan:
    """A load, the drift it begins with, and the seed of all that is drawn.

    Raises TrafficNotPossible for a load that is out of bounds.
    """

    load: Load
    seed: int = 0
    drift: Drift = field(default_factory=Drift)

    def __post_init__(self) -> None:
        load = self.load
        if not SLOWEST <= load.rate <= FASTEST:
            raise TrafficNotPossible(f"Choose a rate from 1 image a minute to {FASTEST:g} a second, not {load.rate:g}.")
        if not 0 < load.seconds <= LONGEST_SECONDS:
            raise TrafficNotPossible(f"Choose a time of up to {LONGEST_SECONDS / 3600:g} hours.")
        if load.period < 1:
            raise TrafficNotPossible("Choose a period of a second or more.")
        if load.expected(0, load.seconds) > MOST_IMAGES:
            raise TrafficNotPossible(
                f"A run has at most {MOST_IMAGES:,} images. Choose a lower rate or a shorter time."
            )


@dataclass(frozen=True)
class RunKeys:
    """Where a run is kept: `run_id` is the time at which it began, to the microsecond, in UTC."""

    run_id: str

    @property
    def prefix(self) -> str:
        return f"{TRAFFIC_PREFIX}{self.run_id}/"

    @property
    def description(self) -> str:
        return f"{self.prefix}run.json"

    def part(self, number: int) -> str:
        """What was sent in one stretch of time."""
        return f"{self.prefix}sent/{number:05d}.jsonl"

    @property
    def parts(self) -> str:
        return f"{self.prefix}sent/"

    def inference_id(self, number: int) -> str:
        """The name of the execution that takes the run's image of this number, from 1, and its inference id."""
        return f"traffic-{self.run_id}-{number:05d}"

    def image(self, number: int) -> str:
        """Where an image that was changed is put."""
        return f"{self.prefix}images/{self.inference_id(number)}.png"
