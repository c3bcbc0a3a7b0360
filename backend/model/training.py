"""Training jobs of SageMaker's built-in image-classification algorithm."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backend.aws_errors import aws_errors
from backend.environment import Environment
from backend.errors import TrainingNotPossible
from backend.progress import Progress, no_progress
from backend.staging import Dataset

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeTrainingJobResponseTypeDef
    from sagemaker.core.shapes import Channel

ENDED = frozenset({"Completed", "Failed", "Stopped"})
IMAGE_SHAPE = "3,28,28"
"""Crops of CIFAR's 32 x 32 pixels: the size for which the developer guide suggests 20 to 110 layers."""
LEARNING_RATES = {"adam": 0.001, "sgd": 0.1, "nag": 0.1, "rmsprop": 0.001}
"""A rate to begin with for each of the algorithm's optimizers."""
_MAX_RUNTIME_SECONDS = 3600
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class TrainingOptions:
    """What a person chooses: the algorithm's hyperparameters, by its own names, and the machine.

    docs/local-sagemaker.md has the accuracies by which the defaults were chosen.
    Source: SageMaker developer guide, "Image Classification Hyperparameters".
    """

    num_layers: int = 20
    epochs: int = 30
    mini_batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = LEARNING_RATES["adam"]
    weight_decay: float = 1e-4
    augmentation_type: str = "crop"
    lr_scheduler_step: str = "20,26"
    lr_scheduler_factor: float = 0.1
    instance_type: str = "ml.g4dn.xlarge"

    def hyperparameters(self, dataset: Dataset) -> dict[str, str]:
        """The job's hyperparameters for this dataset; SageMaker takes every value as text."""
        chosen = {name: str(value) for name, value in asdict(self).items() if name != "instance_type" and value != ""}
        return chosen | {
            "num_classes": str(len(dataset.labels)),
            "num_training_samples": str(dataset.size("train")),
            "image_shape": IMAGE_SHAPE,
        }


@dataclass(frozen=True)
class Transition:
    """A secondary status that a job reached, and when."""

    status: str
    message: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class TrainingRun:
    """A training job as SageMaker describes it."""

    name: str
    status: str
    secondary_status: str
    failure_reason: str | None
    created_at: datetime
    ended_at: datetime | None
    training_seconds: int | None
    transitions: tuple[Transition, ...]
    hyperparameters: Mapping[str, str]
    metrics: Mapping[str, float]
    dataset_id: str | None
    model_artifact: str | None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def validation_accuracy(self) -> float | None:
        return self.metrics.get("validation:accuracy")


def start_training(environment: Environment, dataset: Dataset, options: TrainingOptions) -> str:
    """Start a training job on the staged images; returns its name, at once.

    Raises TrainingNotPossible when the dataset holds too few images, AwsRequestError when AWS refuses the job.
    """
    from sagemaker.core import image_uris  # imported late: the SDK takes seconds to load
    from sagemaker.core.resources import TrainingJob
    from sagemaker.core.shapes import AlgorithmSpecification, OutputDataConfig, ResourceConfig, StoppingCondition

    _require_a_batch(dataset, options)
    name = f"{environment.project}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    with aws_errors("start the training job"):
        TrainingJob.create(
            training_job_name=name,
            role_arn=environment.sagemaker_role_arn,
            algorithm_specification=AlgorithmSpecification(
                training_image=image_uris.retrieve("image-classification", region=environment.region),
                training_input_mode="File",
            ),
            hyper_parameters=options.hyperparameters(dataset),
            input_data_config=[_channel(channel, uri) for channel, uri in dataset.channels().items()],
            output_data_config=OutputDataConfig(s3_output_path=f"s3://{environment.bucket}/models"),
            resource_config=ResourceConfig(instance_type=options.instance_type, instance_count=1, volume_size_in_gb=50),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=_MAX_RUNTIME_SECONDS),
            tags=[{"key": key, "value": value} for key, value in environment.tags.items()],
            session=environment.session,
            region=environment.region,
        )
    return name


def list_training_jobs(environment: Environment, limit: int = 20) -> list[TrainingRun]:
    """This project's training jobs, newest first."""
    with aws_errors("list the training jobs"):
        page = environment.sagemaker.list_training_jobs(
            NameContains=f"{environment.project}-", SortBy="CreationTime", SortOrder="Descending", MaxResults=limit
        )
    ours = re.compile(rf"{re.escape(environment.project)}-\d{{8}}-\d{{6}}-\d{{6}}")  # not a project that ours prefixes
    names = [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]
    return [describe_training(environment, name) for name in names if ours.fullmatch(name)]


def describe_training(environment: Environment, name: str) -> TrainingRun:
    """Describe a training job; raises AwsRequestError when there is none of that name."""
    with aws_errors(f"describe training job {name}"):
        return _training_run(environment.sagemaker.describe_training_job(TrainingJobName=name))


def stop_training(environment: Environment, name: str) -> None:
    """Ask a training job to stop; the model it has so far is kept."""
    with aws_errors(f"stop training job {name}"):
        environment.sagemaker.stop_training_job(TrainingJobName=name)


def wait_for_training(environment: Environment, name: str, progress: Progress = no_progress) -> TrainingRun:
    """Wait until the job completed; raises TrainingNotPossible with SageMaker's reason when it did not."""
    while not (run := describe_training(environment, name)).has_ended:
        progress(0.0, f"Training job {name}: {run.secondary_status}.")
        time.sleep(_POLL_SECONDS)
    if run.status != "Completed":
        raise TrainingNotPossible(
            f"Training job {name} ended as {run.status}: {run.failure_reason or 'it was stopped'}. "
            "Read its log, correct the options or the data, and train again."
        )
    return run


def dataset_id_of(job: Mapping[str, Any]) -> str | None:
    """The dataset behind a described job's train channel, whose URI ends in `datasets/<dataset_id>/train/`."""
    for channel in job.get("InputDataConfig", []):
        if channel["ChannelName"] == "train":
            parts = channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "").rstrip("/").split("/")
            return parts[-2] if len(parts) > 2 and parts[-3] == "datasets" else None
    return None


def _require_a_batch(dataset: Dataset, options: TrainingOptions) -> None:
    images = dataset.size("train")
    if images < options.mini_batch_size:
        raise TrainingNotPossible(
            f"The dataset has {images} training images, fewer than one batch of {options.mini_batch_size}. "
            "Choose a smaller batch or stage more images."
        )


def _channel(name: str, uri: str) -> Channel:
    from sagemaker.core.shapes import Channel, DataSource, S3DataSource

    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source), content_type="application/x-image")


def _training_run(job: DescribeTrainingJobResponseTypeDef) -> TrainingRun:
    return TrainingRun(
        name=job["TrainingJobName"],
        status=job["TrainingJobStatus"],
        secondary_status=job["SecondaryStatus"],
        failure_reason=job.get("FailureReason"),
        created_at=job["CreationTime"],
        ended_at=job.get("TrainingEndTime"),
        training_seconds=job.get("TrainingTimeInSeconds"),
        transitions=tuple(_transition(item) for item in job.get("SecondaryStatusTransitions", [])),
        hyperparameters=job.get("HyperParameters", {}),
        metrics={metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])},
        dataset_id=dataset_id_of(job),
        model_artifact=job.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
    )


def _transition(item: Any) -> Transition:
    return Transition(item["Status"], item.get("StatusMessage", ""), item["StartTime"], item.get("EndTime"))
