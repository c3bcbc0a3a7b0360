"""The models that can be deployed: SageMaker keeps a training job's record for good, but not its artifact."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.training import TrainingJob

_THREADS = 8


def deployable(environment: Environment, jobs: Sequence[TrainingJob]) -> list[TrainingJob]:
    """Those of the training jobs that completed and whose artifact is still there, in their order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        there = list(pool.map(lambda job: has_artifact(environment, job), jobs))
    return [job for job, is_there in zip(jobs, there, strict=True) if is_there]


def has_artifact(environment: Environment, job: TrainingJob) -> bool:
    """Whether a training job completed and its artifact is still there. Raises AwsRequestError."""
    if job.status != "Completed" or job.model_artifact is None:
        return False
    bucket, _, key = job.model_artifact.removeprefix("s3://").partition("/")
    with aws_errors(f"look for the model {job.model_artifact}"):
        return find(environment.s3.head_object, Bucket=bucket, Key=key) is not None
