"""Training jobs as the app asks for them, with a seed, and what their models answer."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import torch
from sagemaker.core import image_uris

from backend import staging, training
from backend.aws.environment import Environment
from embedded_aws.sagemaker.containers.image_classification import artifact
from embedded_aws.sagemaker.containers.image_classification.network import Classifier
from embedded_aws.sagemaker.containers.image_classification.serving import prepare

_BATCH = 250

Probabilities = npt.NDArray[np.float64]
"""Shape (images, classes)."""


def run_job(
    environment: Environment, dataset: staging.Dataset, options: training.TrainingOptions, seed: int, name: str = "job"
) -> training.TrainingJob:
    """Train to the end; raises TrainingFailed when the job does not complete."""
    job = f"{environment.project}-{name}-{seed}"
    environment.sagemaker.create_training_job(**_request(environment, dataset, options, job, seed))
    return training.wait_for_training(environment, job)


def training_seconds(job: training.TrainingJob) -> float:
    """The wall time of a completed job's training phase."""
    [phase] = [item for item in job.transitions if item.status == "Training"]
    assert phase.ended_at is not None  # noqa: S101  the job has ended
    return (phase.ended_at - phase.started_at).total_seconds()


def kept_accuracy(environment: Environment, job: training.TrainingJob) -> float:
    """The validation accuracy of the model that the job kept."""
    accuracy = training.read_training_log(environment, job.name).accuracy
    assert accuracy is not None  # noqa: S101  the algorithm validates every epoch
    return accuracy.kept


def load_model(environment: Environment, job: training.TrainingJob) -> Classifier:
    """The job's artifact, loaded as a serving container does."""
    place = urlsplit(job.model_artifact)
    content = environment.s3.get_object(Bucket=str(place.netloc), Key=str(place.path).lstrip("/"))["Body"].read()
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(content)) as packed:
        packed.extractall(folder, filter="data")
        return artifact.load(Path(folder))


@torch.inference_mode()
def answers(model: Classifier, images: Iterable[bytes]) -> Probabilities:
    """What a model answers to PNG and JPEG images, each brought to the network's shape as a serving container does."""
    pixels = torch.stack([prepare(content, model.architecture) for content in images])
    logits = torch.cat([model(part) for part in torch.split(pixels, _BATCH)])
    return torch.softmax(logits, dim=1).numpy().astype(float)


def read_split(environment: Environment, dataset: staging.Dataset, split: str) -> tuple[list[bytes], list[int]]:
    """The images of a split and their class indices."""
    images = staging.list_images(environment, dataset, split)
    return [staging.read_image(environment, image.key) for image in images], [image.label_index for image in images]


def _request(
    environment: Environment, dataset: staging.Dataset, options: training.TrainingOptions, name: str, seed: int
) -> dict[str, Any]:
    """As the app asks for a job, with a seed for the algorithm's random numbers."""
    return {
        "TrainingJobName": name,
        "RoleArn": environment.names.sagemaker_role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": image_uris.retrieve("image-classification", region=environment.region),
            "TrainingInputMode": "File",
        },
        "HyperParameters": options.hyperparameters(dataset),
        "InputDataConfig": [_channel(channel, uri) for channel, uri in dataset.channels().items()],
        "OutputDataConfig": {"S3OutputPath": f"s3://{environment.bucket}/models"},
        "ResourceConfig": {"InstanceType": options.instance_type, "InstanceCount": 1, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "Environment": {"SEED": str(seed)},
    }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "ContentType": "application/x-image", "DataSource": {"S3DataSource": source}}
