"""Stratified samples that people label on the Review page, and what they say of the window that they were drawn of."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from backend.accuracy import Interval
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource
from backend.quality.window import Window
from backend.review import OPINIONS, Kind, Progress, list_queues

_THREADS: Final = 8
_QUEUES: Final = 50


@dataclass(frozen=True)
class Sampled:
    """The accuracy of a window by the labels of a sample, with its 95 % interval.

    Of the sample's `total` pictures `labelled` have a label. `passed_over` have none though later ones do: nobody could
    tell, so that the interval holds whatever they are. `is_complete`: nothing else is left to label, and the interval
    is that of a number of labels that was fixed beforehand; before it may be looked at after each label. `has_value`:
    each stratum has a label; before, the value leans on the model's confidence, and only the interval says anything.
    """

    interval: Interval
    labelled: int
    passed_over: int
    total: int
    has_value: bool

    @property
    def is_complete(self) -> bool:
        return self.labelled + self.passed_over == self.total


def read_samples(environment: Environment, source: CaptureSource) -> list[Progress]:
    """The samples of a source among the newest 50 queues, with all that was said of them, the newest first.

    Raises AwsRequestError.
    """
    queues = [
        queue for queue in list_queues(environment, _QUEUES) if queue.kind is Kind.SAMPLE and queue.source == source.url
    ]
    with ThreadPoolExecutor(_THREADS) as pool:
        said = pool.map(lambda queue: OPINIONS.of_queue(environment, queue.queue_id), queues)
        return [Progress(queue, opinions) for queue, opinions in zip(queues, said, strict=True)]


def sample_of(window: Window, samples: Sequence[Progress]) -> Progress | None:
    """The sample that was drawn of this window as it is now; of several that with most labels, the newest.

    It is one of the same time and streams, which had as many records.
    """
    found = [progress for progress in samples if _is_of(progress, window)]
    return max(found, key=lambda progress: len(progress.labels()), default=None)


def sampled(progress: Progress) -> Sampled | None:
    """The accuracy of the window by its sample's labels; None without one."""
    interval = progress.accuracy()
    if interval is None:
        return None
    labels = progress.labels()
    strata = {item.stratum for item in progress.queue.items if item.number in labels}
    has_value = len(strata) == len(progress.queue.strata)
    return Sampled(interval, len(labels), len(progress.passed_over()), progress.total, has_value)


def _is_of(progress: Progress, window: Window) -> bool:
    queue, selection = progress.queue, window.selection
    return (
        (queue.start, queue.end) == (selection.start, selection.end)
        and sum(stratum.size for stratum in queue.strata) == len(window)
        and {(item.endpoint, item.variant) for item in queue.items} <= set(window.streams)
    )
