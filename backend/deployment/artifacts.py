"""The models that can be deployed: SageMaker keeps a training job's record for good, but not its artifact."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.errors import ModelMissing
from backend.training import TrainingJob

_THREADS = 8
_WITH_MODELS = frozenset({"Completed", "Stopped"})
"""How a job ended that may have left a model: the algorithm stores its best one as it goes."""


def deployable(environment: Environment, jobs: Sequence[TrainingJob]) -> list[TrainingJob]:
    """Those of the training jobs that left an artifact which is still there, in their order: stopped ones too."""
    with ThreadPoolExecutor(_THREADS) as pool:
        there = list(pool.map(lambda job: has_artifact(environment, job), jobs))
    return [job for job, is_there in zip(jobs, there, strict=True) if is_there]


def find_artifact(environment: Environment, job: TrainingJob) -> str:
    """The URI of a training job's artifact; raises ModelMissing when it has none or it was deleted, AwsRequestError."""
    if job.status not in _WITH_MODELS or job.model_artifact is None:
        raise ModelMissing(
            f"Training job {job.name} is {job.status} and has no model to deploy. Choose a completed job."
        )
    if not has_artifact(environment, job):
        gone = "was deleted" if job.status == "Completed" else "is not there: the job was stopped before it stored one"
        raise ModelMissing(f"The model of training job {job.name} {gone}. Choose another job, or train again.")
    return job.model_artifact


def has_artifact(environment: Environment, job: TrainingJob) -> bool:
    """Whether a training job left an artifact that is still there. Raises AwsRequestError."""
    if job.status not in _WITH_MODELS or job.model_artifact is None:
        return False
    return is_there(environment, job.model_artifact)


def is_there(environment: Environment, artifact: str) -> bool:
    """Whether there is an object of this URI. Raises AwsRequestError."""
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    with aws_errors(f"look for the model {artifact}"):
        return find(environment.s3.head_object, Bucket=bucket, Key=key) is not None
