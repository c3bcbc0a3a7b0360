"""CloudFormation stacks: created or updated as needed, awaited, and their failures put into words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, error_message, find
from backend.aws.polling import attempts, goes_on
from backend.errors import StackFailed
from backend.progress import Progress, no_progress

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import (
        OperationEventTypeDef,
        ParameterTypeDef,
        StackEventTypeDef,
        StackTypeDef,
    )

TEMPLATES = Path(__file__).parents[2] / "workflow"
_DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_USELESS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"})
"""A stack that never came to be: it must be deleted before it can be created again."""
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})


def deploy_stack(
    environment: Environment, name: str, template: str, parameters: Mapping[str, str], progress: Progress = no_progress
) -> None:
    """Create or update a stack from a template in `workflow/`, and wait for it.

    A stack that is as it should be is left alone. Raises StackFailed naming the resource that failed and why;
    CloudFormation has rolled back by then, so that what worked before works still.
    """
    given = {"Project": environment.project, **parameters}
    with aws_errors(f"deploy stack {name}"):
        stack = find_stack(environment, name)
        if stack is not None and stack["StackStatus"] in _USELESS:
            delete_stack(environment, name, progress)
            stack = None
        action = environment.cloudformation.create_stack if stack is None else environment.cloudformation.update_stack
        _apply(
            environment,
            action,
            name,
            progress,
            TemplateBody=(TEMPLATES / template).read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        )


def change_parameters(
    environment: Environment, name: str, changes: Mapping[str, str], progress: Progress = no_progress
) -> None:
    """Give a stack's parameters other values: its template and every other parameter stay as they were deployed.

    Raises NotFound when there is no such stack, StackFailed as deploy_stack does.
    """
    with aws_errors(f"change stack {name}"):
        stack = environment.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        kept = (item["ParameterKey"] for item in stack.get("Parameters", []) if item["ParameterKey"] not in changes)
        parameters: list[ParameterTypeDef] = [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]
        parameters += [{"ParameterKey": key, "ParameterValue": value} for key, value in changes.items()]
        action = environment.cloudformation.update_stack
        _apply(environment, action, name, progress, UsePreviousTemplate=True, Parameters=parameters)


def delete_stack(environment: Environment, name: str, progress: Progress = no_progress) -> None:
    """Delete a stack and wait until it is gone; one that is not there is no error. Raises StackFailed."""
    with aws_errors(f"delete stack {name}"):
        stack = find_stack(environment, name)
        if stack is None:
            return
        stack_id = stack["StackId"]  # a deleted stack is found by its id only
        environment.cloudformation.delete_stack(StackName=name)
        status = _await_settled(environment, stack_id, name, progress)
        if status not in ("DELETE_COMPLETE", None):
            reason = _failure_reason(environment, stack_id)
            raise StackFailed(f"Stack {name} is {status}: {reason} Mend that, and delete it again.")


def outputs_of(stack: StackTypeDef | None) -> dict[str, str]:
    """What a stack tells of its resources, by name; nothing where there is none."""
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])} if stack else {}


def find_stack(environment: Environment, name: str) -> StackTypeDef | None:
    """What DescribeStacks answers, or None when there is no such stack."""
    answer = find(environment.cloudformation.describe_stacks, StackName=name)
    if answer is None:
        return None
    stack = answer["Stacks"][0]
    return None if stack["StackStatus"] == "DELETE_COMPLETE" and not name.startswith("arn:") else stack


def _apply(environment: Environment, action: Any, name: str, progress: Progress, **request: Any) -> None:
    """Ask for the stack to be made or changed, and wait for it, unless there is nothing to change."""
    try:
        action(StackName=name, Capabilities=["CAPABILITY_NAMED_IAM"], Tags=environment.tag_list, **request)
    except ClientError as error:
        if "No updates are to be performed" in error_message(error):
            return
        raise
    status = _await_settled(environment, name, name, progress)
    if status not in _DEPLOYED:
        reason = _failure_reason(environment, name)
        raise StackFailed(f"Stack {name} is {status}: {reason} Mend that, and deploy again.")


def _await_settled(environment: Environment, stack: str, name: str, progress: Progress) -> str | None:
    """The stack's status once nothing is in progress; None when there is no such stack any more."""
    with goes_on(f"CloudFormation goes on with stack {name}."):
        for _ in attempts(f"Stack {name}"):
            found = find_stack(environment, stack)
            if found is None or not found["StackStatus"].endswith("_IN_PROGRESS"):
                break
            progress(0.5, f"Stack {name}: {found['StackStatus']}.")
    return found["StackStatus"] if found else None


def _failure_reason(environment: Environment, stack: str) -> str:
    """What failed first in the last operation, and why: all that follows is cancelled or rolled back for it."""
    failures = [event for event in _last_operation(environment, stack) if _is_failure(event)]
    of_resources = [event for event in failures if event.get("PhysicalResourceId") != event["StackId"]]
    reasons = [] if of_resources else _validation_failures(environment, stack)
    if not reasons:
        reasons = [_reason(event, event.get("ResourceStatusReason", "")) for event in (of_resources or failures)[-1:]]
    return f"{'; '.join(reasons) or 'CloudFormation gave no reason'}."


def _reason(event: StackEventTypeDef | OperationEventTypeDef, text: str) -> str:
    return f"{event.get('LogicalResourceId')}: {text.rstrip('.') or 'no reason given'}"


def _last_operation(environment: Environment, stack: str) -> Iterator[StackEventTypeDef]:
    """The events of the stack's last creation, update or deletion, newest first."""
    for page in environment.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            yield event
            is_own = event.get("PhysicalResourceId") == event["StackId"]
            if is_own and event.get("ResourceStatus") in _BEGINNINGS:
                return


def _is_failure(event: StackEventTypeDef) -> bool:
    is_echo = "cancelled" in event.get("ResourceStatusReason", "")  # because another resource failed
    return event.get("ResourceStatus", "").endswith("_FAILED") and not is_echo


def _validation_failures(environment: Environment, stack: str) -> list[str]:
    """What CloudFormation found wrong before it touched a resource: a stack's own events say only that it did."""
    try:
        answer = environment.cloudformation.describe_events(StackName=stack, Filters={"FailedEvents": True})
    except ClientError:  # not allowed, or not offered: the stack's own event has to do
        return []
    events = [event for event in answer["OperationEvents"] if _validation_text(event)]
    last = max(events, key=lambda event: event["Timestamp"])["OperationId"] if events else None
    return [_reason(event, _validation_text(event)) for event in events if event["OperationId"] == last]


def _validation_text(event: OperationEventTypeDef) -> str:
    return event.get("ValidationStatusReason") or event.get("HookStatusReason") or ""
