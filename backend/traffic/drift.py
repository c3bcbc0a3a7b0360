"""How the images of traffic differ from those that the model was tested on, and the differences worth a look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from backend.errors import TrafficNotPossible
from backend.traffic.distortions import MOST_SEVERE, Distortion
from backend.wording import as_words


@dataclass(frozen=True)
class Drift:
    """What is drawn, and what is done to it.

    `severities` go from 0 to 5; `mix` has weights of the known classes, which are drawn evenly where it is empty;
    `foreign` is the share, from 0 to 1, of images of no known class. Raises TrafficNotPossible for anything else.
    """

    severities: Mapping[Distortion, float] = field(default_factory=dict)
    mix: Mapping[str, float] = field(default_factory=dict)
    foreign: float = 0.0

    def __post_init__(self) -> None:
        for kind, severity in self.severities.items():
            if not 0 <= severity <= MOST_SEVERE:
                raise TrafficNotPossible(f"Choose a severity from 0 to {MOST_SEVERE:g} for {kind}, not {severity:g}.")
        if not 0 <= self.foreign <= 1:
            raise TrafficNotPossible(f"Choose a share of foreign images from 0 to 1, not {self.foreign:g}.")
        weights = list(self.mix.values())
        if weights and not (all(0 <= weight < math.inf for weight in weights) and sum(weights) > 0):
            raise TrafficNotPossible("Choose weights of the classes that are not negative, and one above 0.")
        object.__setattr__(self, "severities", {Distortion(kind): s for kind, s in self.severities.items() if s})

    @property
    def is_none(self) -> bool:
        """Whether images are sent as they are tested: undistorted, of known classes, evenly."""
        return not self.severities and not self.foreign and len(set(self.mix.values())) <= 1

    def describe(self) -> str:
        """In words: "darker 2, 10 % foreign"."""
        parts = [f"{kind} {severity:g}" for kind, severity in self.severities.items()]
        if self.foreign:
            parts.append(f"{self.foreign:.0%} foreign")
        if len(set(self.mix.values())) > 1:
            total = sum(self.mix.values())
            parts += [f"{weight / total:.0%} {as_words(label)}" for label, weight in self.mix.items()]
        return ", ".join(parts) or "none"

    def scaled(self, share: float) -> Drift:
        """So much of it, from 0 to 1: for drift that comes slowly. The mix stays as it is."""
        severities = {kind: share * severity for kind, severity in self.severities.items()}
        return replace(self, severities=severities, foreign=share * self.foreign)


def scenarios(labels: Sequence[str]) -> dict[str, Drift]:
    """The differences by which drift alarms are measured, by name; `labels` are the known classes, two or more.

    What a severity means stands in `distortions.PARAMETERS`.
    """
    one_of = {
        "darker .8": (Distortion.DARKER, 1),
        "darker .6": (Distortion.DARKER, 2),
        "darker .3": (Distortion.DARKER, 4),
        "brighter 1.5": (Distortion.BRIGHTER, 2),
        "blurred .8": (Distortion.BLURRED, 3),
        "noisier 20": (Distortion.NOISIER, 3),
        "JPEG 20": (Distortion.JPEG, 3),
        "rotated 30": (Distortion.ROTATED, 3),
        "contrast .4": (Distortion.LOW_CONTRAST, 3),
    }
    rest = 0.7 / (len(labels) - 1)
    return {
        **{name: Drift({kind: severity}) for name, (kind, severity) in one_of.items()},
        "class mix 30 %": Drift(mix={label: rest if at else 0.3 for at, label in enumerate(labels)}),
        "foreign 10 %": Drift(foreign=0.1),
        "foreign 100 %": Drift(foreign=1.0),
    }
