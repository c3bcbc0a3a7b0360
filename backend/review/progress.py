"""How far a queue is, what its pictures are by what was said, and how often the model is right by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.accuracy import Counted, Interval, realised, realised_so_far
from backend.review.opinions import ByItem, Opinion, is_open, known_label, standing
from backend.review.queue import Item, Kind, Queue


@dataclass(frozen=True)
class Progress:
    """A queue with all that was said of its pictures until now."""

    queue: Queue
    opinions: ByItem

    def of(self, number: int) -> list[Opinion]:
        """What was said of a picture, in the order in which people were asked."""
        return [kept.opinion for kept in self.opinions.get(number, ())]

    @property
    def total(self) -> int:
        return len(self.queue.items)

    @property
    def done(self) -> int:
        """Pictures that nobody is to be asked about any more."""
        return sum(not is_open(self.of(item.number), self.queue.opinions) for item in self.queue.items)

    @property
    def disputed(self) -> int:
        """Pictures that two people call by different names, and no third one was asked about."""
        said = (self.of(item.number) for item in self.queue.items)
        return sum(bool(standing(opinions)) and known_label(opinions) is None for opinions in said)

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Who has labelled, by name."""
        said = (opinion for item in self.queue.items for opinion in standing(self.of(item.number)))
        return tuple(sorted({opinion.reviewer for opinion in said}))

    def labels(self) -> dict[int, str]:
        """What the pictures are of which that is known, by number."""
        found = {item.number: known_label(self.of(item.number)) for item in self.queue.items}
        return {number: label for number, label in found.items() if label is not None}

    def passed_over(self) -> list[int]:
        """Pictures of which nothing is known though it is of later ones: nobody could tell, or it is not decided."""
        labels = self.labels()
        behind = max(labels, default=0)
        return [item.number for item in self.queue.items if item.number < behind and item.number not in labels]

    def accuracy(self) -> Interval | None:
        """The share of right answers in a sample's window: at any number of labels or, once all are there, narrower.

        It holds whatever the pictures are that were passed over: they might all be right, or all wrong. None for a
        queue that is no sample, or has no label.
        """
        return self.share(lambda item, label: self.queue.answer(item) == label)

    def share(self, holds: Callable[[Item, str], bool]) -> Interval | None:
        """As `accuracy`, the share of records for which this holds, given item and label."""
        labels = self.labels()
        if self.queue.kind is not Kind.SAMPLE or not labels:
            return None
        known = {item.number: holds(item, labels[item.number]) for item in self.queue.items if item.number in labels}
        passed_over = self.passed_over()
        calculate = realised if len(known) + len(passed_over) == self.total else realised_so_far
        least, most = (calculate(self._counted(known | dict.fromkeys(passed_over, either))) for either in (False, True))
        return Interval(realised_so_far(self._counted(known)).value, least.low, most.high)

    def _counted(self, holds: Mapping[int, bool]) -> list[Counted]:
        """The strata of a sample, by for which of the labelled ones it holds."""
        strata = []
        for number, stratum in enumerate(self.queue.strata):
            of_stratum = [item.number for item in self.queue.items if item.stratum == number]
            known = [holds[item] for item in of_stratum if item in holds]
            strata.append(Counted(stratum.size, len(known), sum(known), stratum.expected))
        return strata


def pairs(opinions: Sequence[Sequence[Opinion]]) -> list[tuple[str, str]]:
    """What the first two people said of each picture that two were asked about, before they saw the model's answer."""
    both = [standing(of_item)[:2] for of_item in opinions]
    return [(first.first_label, second.first_label) for first, second in (pair for pair in both if len(pair) == 2)]
