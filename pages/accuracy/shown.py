"""What all parts of the page go by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend import monitoring, quality
from backend.accuracy import Interval, Withheld
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource, Selection
from backend.quality import Realised, Window
from backend.review import Progress
from pages.shared import reads
from pages.shared.captured.view import View


@dataclass(frozen=True)
class Shown:
    """A window of captured records, the model's classes, and the deployed threshold: None where there is none."""

    environment: Environment
    source: CaptureSource
    view: View
    selection: Selection
    labels: tuple[str, ...]
    window: Window
    threshold: float | None

    @property
    def other_source(self) -> str | None:
        """The URL of the source, None for the project's own."""
        own = monitoring.project_source(self.environment).url
        return None if self.source.url == own else self.source.url

    @property
    def key(self) -> str:
        """For widgets that begin anew with another window."""
        of = self.selection
        return f"{self.source.cache_name}.{of.start:%s}.{of.end:%s}.{of.endpoint}.{of.variant}"

    def samples(self) -> Sequence[Progress]:
        """The samples of the source, as far as they are labelled now."""
        return reads.read_samples(self.environment, self.source)

    def sample(self) -> Progress | None:
        """That of this window."""
        return quality.sample_of(self.window, self.samples())

    def realised(self) -> Realised | Withheld:
        """The window's accuracy by the labels that there are now."""
        return quality.realised_of(self.window, self.sample())

    def estimated(self) -> Interval | Withheld:
        """The window's accuracy without a label."""
        return reads.estimated_accuracy(self.environment, self.source, self.selection, self.labels)

    def another(self, selection: Selection) -> Shown | None:
        """The same of another window; None where that has too many records."""
        window = reads.read_window(self.environment, self.source, selection, self.labels)
        return None if window is None else replace(self, selection=selection, window=window)


def whole_seconds(view: View, selection: Selection) -> Selection:
    """A selection as an address can name it, so that it is the same when it is asked for again."""
    fixed = view.within(selection.start, selection.end)
    assert fixed.start is not None  # noqa: S101  `within` sets both
    assert fixed.end is not None  # noqa: S101
    return replace(selection, start=fixed.start, end=fixed.end)
