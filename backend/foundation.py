"""What every feature needs first: the bucket, and a stack with SageMaker's role, the topic and its inbox."""

from __future__ import annotations

from backend.aws.environment import Environment
from backend.aws.ownership import ensure_bucket
from backend.aws.stacks import delete_stack, deploy_stack
from backend.progress import Progress, no_progress


def deploy_foundation(environment: Environment, progress: Progress = no_progress) -> None:
    """Create or update the bucket, SageMaker's role, and the notification topic with its inbox.

    Raises AwsRequestError when a bucket of this name is not ours, StackFailed when a resource fails.
    """
    ensure_bucket(environment)
    parameters = {"Bucket": environment.bucket}
    deploy_stack(environment, environment.names.foundation_stack, "foundation.yaml", parameters, progress)


def delete_foundation(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the foundation stack; the bucket stays with what is in it."""
    delete_stack(environment, environment.names.foundation_stack, progress)
