"""What every feature needs first: the bucket, SageMaker's role and the notification topic, in one stack."""

from __future__ import annotations

from backend.aws.environment import Environment
from backend.aws.stacks import delete_stack, deploy_stack
from backend.progress import Progress, no_progress


def deploy_foundation(environment: Environment, progress: Progress = no_progress) -> None:
    """Create or update the bucket, SageMaker's role and the notification topic; raises StackFailed."""
    deploy_stack(environment, environment.names.foundation_stack, "foundation.yaml", {}, progress)


def delete_foundation(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the foundation stack; the bucket is retained with what is in it."""
    delete_stack(environment, environment.names.foundation_stack, progress)
