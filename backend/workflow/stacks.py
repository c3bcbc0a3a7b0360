"""CloudFormation stacks: created or updated as needed, awaited, and their failures put into words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from backend.aws_errors import aws_errors, error_message
from backend.environment import Environment
from backend.errors import WorkflowNotDeployed
from backend.progress import Progress, no_progress

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

TEMPLATES = Path(__file__).parents[2] / "workflow"
_POLL_SECONDS = 0.5
_DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_USELESS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"})
"""A stack that never came to be: it must be deleted before it can be created again."""


def deploy_foundation(environment: Environment, progress: Progress = no_progress) -> None:
    """Create or update the bucket, SageMaker's role and the notification topic."""
    deploy_stack(environment, environment.foundation_stack, "foundation.yaml", {}, progress)


def delete_foundation(environment: Environment) -> None:
    """Delete the foundation stack; the bucket is retained with what is in it."""
    delete_stack(environment, environment.foundation_stack)


def delete_workflow(environment: Environment) -> None:
    """Delete the Lambdas and the state machine, and with it the record of its executions."""
    delete_stack(environment, environment.workflow_stack)


def deploy_stack(
    environment: Environment, name: str, template: str, parameters: Mapping[str, str], progress: Progress = no_progress
) -> None:
    """Create or update a stack from a template in `workflow/`, and wait for it.

    A stack that is as it should be is left alone. Raises WorkflowNotDeployed naming the resource that failed and why;
    CloudFormation has rolled back by then, so that what worked before works still.
    """
    with aws_errors(f"deploy stack {name}"):
        stack = find_stack(environment, name)
        if stack is not None and stack["StackStatus"] in _USELESS:
            delete_stack(environment, name)
            stack = None
        if not _apply(environment, name, template, parameters, exists=stack is not None):
            return
        _await_deployed(environment, name, progress)


def delete_stack(environment: Environment, name: str) -> None:
    """Delete a stack and wait until it is gone; one that is not there is no error."""
    with aws_errors(f"delete stack {name}"):
        stack = find_stack(environment, name)
        if stack is None:
            return
        stack_id = stack["StackId"]  # a deleted stack is found by its id only
        environment.cloudformation.delete_stack(StackName=name)
        status = _await_settled(environment, stack_id, name, no_progress)
    if status not in ("DELETE_COMPLETE", None):
        reason = _failure_reason(environment, stack_id)
        raise WorkflowNotDeployed(f"Stack {name} is {status}: {reason} Mend that, and delete it again.")


def find_stack(environment: Environment, name: str) -> StackTypeDef | None:
    """What DescribeStacks answers, or None when there is no such stack."""
    try:
        stack = environment.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error_message(error):
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" and not name.startswith("arn:") else stack


def _apply(environment: Environment, name: str, template: str, parameters: Mapping[str, str], *, exists: bool) -> bool:
    """Ask for the stack to be made or changed; False when there is nothing to change."""
    given = {"Project": environment.project, **parameters}
    action = environment.cloudformation.update_stack if exists else environment.cloudformation.create_stack
    try:
        action(
            StackName=name,
            TemplateBody=(TEMPLATES / template).read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in environment.tags.items()],
        )
    except ClientError as error:
        if "No updates are to be performed" in error_message(error):
            return False
        raise
    return True


def _await_deployed(environment: Environment, name: str, progress: Progress) -> None:
    status = _await_settled(environment, name, name, progress)
    if status not in _DEPLOYED:
        reason = _failure_reason(environment, name)
        raise WorkflowNotDeployed(f"Stack {name} is {status}: {reason} Mend that, and deploy again.")


def _await_settled(environment: Environment, stack: str, name: str, progress: Progress) -> str | None:
    """The stack's status once nothing is in progress; None when there is no such stack any more."""
    while (found := find_stack(environment, stack)) is not None and found["StackStatus"].endswith("_IN_PROGRESS"):
        progress(0.5, f"Stack {name}: {found['StackStatus']}.")
        time.sleep(_POLL_SECONDS)
    return found["StackStatus"] if found else None


def _failure_reason(environment: Environment, stack: str) -> str:
    """The first failure of the last deployment: what follows it is only its echo. Events come newest first."""
    reason = "CloudFormation gave no reason."
    for event in environment.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
        status = event.get("ResourceStatus", "")
        if event.get("ResourceType") == "AWS::CloudFormation::Stack" and status in (
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
        ):
            break
        if status.endswith("_FAILED"):
            reason = f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason given')}."
    return reason
