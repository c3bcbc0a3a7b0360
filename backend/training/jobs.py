"""Training jobs of SageMaker's built-in image-classification algorithm."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.aws.listing import stamped_names
from backend.aws.names import DATASETS_PREFIX, MODELS_PREFIX
from backend.aws.polling import attempts, goes_on
from backend.errors import TrainingFailed, TrainingNotPossible
from backend.progress import Progress, no_progress
from backend.staging import Dataset
from backend.training.algorithm import algorithm_image
from backend.training.log import read_training_log
from backend.training.options import TrainingOptions

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import TrainingInstanceTypeType
    from mypy_boto3_sagemaker.type_defs import ChannelTypeDef, DescribeTrainingJobResponseTypeDef

ENDED = frozenset({"Completed", "Failed", "Stopped"})
_CONCURRENT_DESCRIBES = 8


@dataclass(frozen=True)
class Transition:
    """A secondary status that a job reached, and when."""

    status: str
    message: str
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class TrainingJob:
    """A training job as SageMaker describes it."""

    name: str
    status: str
    secondary_status: str
    failure_reason: str | None
    created_at: datetime
    training_seconds: int | None
    transitions: tuple[Transition, ...]
    hyperparameters: Mapping[str, str]
    metrics: Mapping[str, float]
    dataset_id: str | None
    model_artifact: str | None
    instance_type: str | None = None
    billable_seconds: int | None = None
    max_runtime_seconds: int | None = None

    @property
    def epochs(self) -> int | None:
        """How many epochs the job was asked for; None where it left that to the algorithm."""
        asked = self.hyperparameters.get("epochs", "")
        return int(asked) if asked.isdecimal() else None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def why_stopped(self) -> str:
        """Of a job that ended as Stopped, in words."""
        return "it ran into its time limit" if self.secondary_status == "MaxRuntimeExceeded" else "it was stopped"

    @property
    def validation_accuracy(self) -> float | None:
        return self.metrics.get("validation:accuracy")


def start_training(
    environment: Environment, dataset: Dataset, options: TrainingOptions, name: str | None = None
) -> str:
    """Start a training job on the staged images; returns its name, at once: this one, or a new one.

    Raises TrainingNotPossible when the dataset holds too few images, AwsRequestError when AWS refuses the job.
    """
    _require_a_batch(dataset, options)
    name = name or environment.names.stamped()
    image = algorithm_image(environment)
    with aws_errors("start the training job"):
        environment.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=environment.names.sagemaker_role_arn,
            AlgorithmSpecification={
                "TrainingImage": image,
                "TrainingInputMode": "File",
            },
            HyperParameters=options.hyperparameters(dataset),
            InputDataConfig=[_channel(channel, uri) for channel, uri in dataset.channels().items()],
            OutputDataConfig={"S3OutputPath": f"s3://{environment.bucket}/{MODELS_PREFIX.rstrip('/')}"},
            ResourceConfig={
                "InstanceType": cast("TrainingInstanceTypeType", options.instance_type),
                "InstanceCount": 1,
                "VolumeSizeInGB": 50,
            },
            StoppingCondition={"MaxRuntimeInSeconds": 3600 * options.max_runtime_hours},
            Tags=environment.tag_list,
        )
    return name


def list_training_jobs(
    environment: Environment, limit: int = 20, ended: Mapping[str, TrainingJob] | None = None
) -> list[TrainingJob]:
    """This project's newest training jobs, newest first; those in `ended`, by name, are not asked for again."""
    with aws_errors("list the training jobs"):
        ours = stamped_names(environment, "list_training_jobs", "TrainingJobSummaries", "TrainingJobName")
        names = list(islice(ours, limit))
    known = dict(ended or {})
    with ThreadPoolExecutor(_CONCURRENT_DESCRIBES) as pool:
        return list(pool.map(lambda name: known.get(name) or describe_training(environment, name), names))


def options_of(job: TrainingJob) -> TrainingOptions:
    """What a job was asked for, to ask for it again."""
    chosen = TrainingOptions.of_hyperparameters(job.hyperparameters)
    hours = chosen.max_runtime_hours if job.max_runtime_seconds is None else -(-job.max_runtime_seconds // 3600)
    return replace(chosen, instance_type=job.instance_type or chosen.instance_type, max_runtime_hours=hours)


def describe_training(environment: Environment, name: str) -> TrainingJob:
    """Describe a training job; raises NotFound when there is none of that name."""
    with aws_errors(f"describe training job {name}"):
        return _training_job(environment.sagemaker.describe_training_job(TrainingJobName=name))


def stop_training(environment: Environment, name: str) -> None:
    """Ask a training job to stop; the model it has so far is kept."""
    with aws_errors(f"stop training job {name}"):
        environment.sagemaker.stop_training_job(TrainingJobName=name)


def wait_for_training(environment: Environment, name: str, progress: Progress = no_progress) -> TrainingJob:
    """Wait until the job has ended; raises TrainingFailed with SageMaker's reason when it did not complete."""
    with goes_on(f"Training job {name} goes on: stop it on the training page."):
        for _ in attempts(f"Training job {name}"):
            job = describe_training(environment, name)
            if job.has_ended:
                break
            progress(*_how_far(environment, job))
    if job.status != "Completed":
        raise TrainingFailed(
            f"Training job {name} ended as {job.status}: {job.failure_reason or job.why_stopped}. "
            "Read its log, correct the options or the data, and train again."
        )
    return job


def _how_far(environment: Environment, job: TrainingJob) -> tuple[float, str]:
    """The share of the epochs that is done, and a sentence."""
    text = f"Training job {job.name}: {job.secondary_status}."
    if job.secondary_status != "Training" or job.epochs is None:
        return 0.0, text
    log = read_training_log(environment, job.name)
    left = log.seconds_left(job.epochs)
    if left is None:
        return 0.0, text
    said = f"{text} Epoch {log.epochs_done} of {job.epochs} is done, about {left:.0f} s are left."
    return min(log.epochs_done / job.epochs, 1.0), said


def dataset_id_of(job: Mapping[str, Any]) -> str | None:
    """The dataset behind a described job's train channel, whose URI ends in `datasets/<dataset_id>/train/`."""
    for channel in job.get("InputDataConfig", []):
        if channel["ChannelName"] == "train":
            parts = channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "").rstrip("/").split("/")
            return parts[-2] if len(parts) > 2 and f"{parts[-3]}/" == DATASETS_PREFIX else None
    return None


def _require_a_batch(dataset: Dataset, options: TrainingOptions) -> None:
    images = dataset.size("train")
    if images < options.mini_batch_size:
        raise TrainingNotPossible(
            f"The dataset has {images} training images, fewer than one batch of {options.mini_batch_size}. "
            "Choose a smaller batch or stage more images."
        )


def _channel(name: str, uri: str) -> ChannelTypeDef:
    return {
        "ChannelName": name,
        "ContentType": "application/x-image",
        "DataSource": {
            "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
        },
    }


def _training_job(job: DescribeTrainingJobResponseTypeDef) -> TrainingJob:
    return TrainingJob(
        name=job["TrainingJobName"],
        status=job["TrainingJobStatus"],
        secondary_status=job["SecondaryStatus"],
        failure_reason=job.get("FailureReason"),
        created_at=job["CreationTime"],
        training_seconds=job.get("TrainingTimeInSeconds"),
        transitions=tuple(_transition(item) for item in job.get("SecondaryStatusTransitions", [])),
        hyperparameters=job.get("HyperParameters", {}),
        metrics={metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])},
        dataset_id=dataset_id_of(job),
        model_artifact=job.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
        instance_type=job.get("ResourceConfig", {}).get("InstanceType"),
        billable_seconds=job.get("BillableTimeInSeconds"),
        max_runtime_seconds=job.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"),
    )


def _transition(item: Any) -> Transition:
    return Transition(item["Status"], item.get("StatusMessage", ""), item["StartTime"], item.get("EndTime"))
