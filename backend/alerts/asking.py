"""What a rule's figure is asked: of which source, with which classes and which threshold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from backend import monitoring, staging, workflow
from backend.alerts.figures import Question, Reading, Windows
from backend.alerts.rules import Rule
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource


class Asking:
    """Asks for rules, and finds out once what several need to know. Not for several threads."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment

    def source_of(self, url: str | None) -> CaptureSource:
        """The source at this URL, None for the project's own; raises ConfigurationError where their list is damaged."""
        if url is None:
            return monitoring.project_source(self.environment)
        known = {source.url: source for source in self._sources}
        return known.get(url, CaptureSource(url))

    def read(self, rule: Rule, windows: Windows) -> Sequence[Reading | None]:
        """The figure's readings; raises SconesError."""
        return rule.watched.read(self.question(rule), windows)

    def question(self, rule: Rule) -> Question:
        """What the rule's figure is asked of each window."""
        threshold = self._workflow.threshold if rule.source is None and self._workflow else None
        labels = self.labels(rule.source)
        source = self.source_of(rule.source)
        return Question(self.environment, source, rule.variant, rule.label, rule.level, labels, threshold)

    def labels(self, source: str | None) -> tuple[str, ...]:
        """The source's classes; of the project's own its workflow, or else its dataset, tells them."""
        if source is not None:
            return self.source_of(source).labels
        if self._workflow is not None:
            return tuple(self._workflow.labels)
        dataset = staging.describe_dataset(self.environment)
        return tuple(dataset.labels) if dataset else ()

    @cached_property
    def _sources(self) -> list[CaptureSource]:
        return monitoring.list_sources(self.environment)

    @cached_property
    def _workflow(self) -> workflow.Workflow | None:
        return workflow.describe_workflow(self.environment)


def labels_of(environment: Environment, source: str | None) -> tuple[str, ...]:
    """The classes of a source (None: the project's own) in the order of the probabilities; () without names."""
    return Asking(environment).labels(source)
