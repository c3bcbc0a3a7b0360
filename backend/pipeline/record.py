"""What a run of the whole pipeline is to do, and how far it is: kept in the bucket, so that it can be gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from backend import staging, workflow
from backend.aws.bucket import read_object, write_object
from backend.aws.environment import Environment
from backend.aws.names import PIPELINE_PREFIX
from backend.deployment import DeploymentOptions
from backend.training import TrainingOptions


class Stage(StrEnum):
    """The parts of the way, in their order."""

    STAGING = "staging"
    TRAINING = "training"
    DEPLOYMENT = "deployment"
    WORKFLOW = "workflow"
    TEST_IMAGES = "test_images"
    CAPTURES = "captures"


@dataclass(frozen=True)
class PipelineOptions:
    """What a run of the whole pipeline takes."""

    source: staging.Source
    labels: tuple[str, ...] = ("bicycle", "motorcycle")
    other: staging.OtherOptions | None = field(default_factory=staging.OtherOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    deployment: DeploymentOptions = field(default_factory=DeploymentOptions)
    threshold: float = workflow.DEFAULT_THRESHOLD


@dataclass(frozen=True)
class StageRecord:
    """When a stage began and ended, and the name of what it makes, as soon as that is known: a job's, a batch's..."""

    started_at: datetime
    ended_at: datetime | None = None
    made: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took; None before its end."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


@dataclass(frozen=True)
class PipelineRun:
    """A run: its options, and its stages as far as they were begun."""

    options: PipelineOptions
    started_at: datetime
    stages: Mapping[Stage, StageRecord] = field(default_factory=dict)

    def made(self, stage: Stage) -> str | None:
        """The name of what a stage made, or was about to make."""
        return self.stages[stage].made if stage in self.stages else None

    @property
    def next_stage(self) -> Stage | None:
        """The first stage that has not ended; None when all have."""
        return next((stage for stage in Stage if not self.has_ended(stage)), None)

    def has_ended(self, stage: Stage) -> bool:
        return stage in self.stages and self.stages[stage].ended_at is not None

    def begun(self, stage: Stage) -> PipelineRun:
        """The run with the stage begun now; what was known of it stays, but not that it ended."""
        return self._with(stage, StageRecord(datetime.now(UTC), made=self.made(stage)))

    def making(self, stage: Stage, made: str) -> PipelineRun:
        """The run with something new of this stage; what the stages behind it made was made of what was before."""
        kept = {earlier: record for earlier, record in self.stages.items() if not _is_behind(earlier, stage)}
        return replace(self, stages={**kept, stage: replace(self.stages[stage], made=made)})

    def ended(self, stage: Stage) -> PipelineRun:
        return self._with(stage, replace(self.stages[stage], ended_at=datetime.now(UTC)))

    def _with(self, stage: Stage, record: StageRecord) -> PipelineRun:
        return replace(self, stages={**self.stages, stage: record})


def _is_behind(stage: Stage, other: Stage) -> bool:
    order = list(Stage)
    return order.index(stage) > order.index(other)


_JSON = TypeAdapter(PipelineRun)
_KEY = f"{PIPELINE_PREFIX}run.json"


def read_run(environment: Environment) -> PipelineRun | None:
    """The run that was started last; None when there is none, or its record is of another version of this project."""
    content = read_object(environment, _KEY)
    try:
        return _JSON.validate_json(content) if content is not None else None
    except ValidationError:
        return None


def write_run(environment: Environment, run: PipelineRun) -> None:
    """Keep how far the run is. Raises AwsRequestError."""
    content = _JSON.dump_json(run)
    write_object(environment, _KEY, content, "application/json", action="keep how far the pipeline is")
