"""How far a queue is, what its pictures are by what was said, and how often the model is right by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.accuracy import Counted, Interval, realised, realised_so_far
from backend.review.opinions import ByItem, Opinion, is_open, known_label, standing
from backend.review.queue import Kind, Queue


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

    def counted(self) -> list[Counted]:
        """The strata of a sample with the labels that there are; none for queues that are no sample."""
        labels, strata = self.labels(), []
        for number, stratum in enumerate(self.queue.strata):
            items = [item for item in self.queue.items if item.stratum == number and item.number in labels]
            right = sum(self.queue.answer(item) == labels[item.number] for item in items)
            strata.append(Counted(stratum.size, len(items), right, stratum.expected))
        return strata

    def accuracy(self) -> Interval | None:
        """The share of right answers in a sample's window: at any number of labels or, once all are there, narrower.

        None for a queue that is no sample, or has no label.
        """
        if self.queue.kind is not Kind.SAMPLE or not (strata := self.counted()):
            return None
        if len(self.labels()) == self.total:
            return realised(strata)
        return realised_so_far(strata) if any(stratum.labelled for stratum in strata) else None


def pairs(opinions: Sequence[Sequence[Opinion]]) -> list[tuple[str, str]]:
    """What the first two people said of each picture that two were asked about, before they saw the model's answer."""
    both = [standing(of_item)[:2] for of_item in opinions]
    return [(first.first_label, second.first_label) for first, second in (pair for pair in both if len(pair) == 2)]
