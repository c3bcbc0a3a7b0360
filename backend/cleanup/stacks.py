"""The project's CloudFormation stacks, deleted the way they were deployed."""

from __future__ import annotations

from collections.abc import Iterator

from backend import foundation, workflow
from backend.aws.environment import Environment
from backend.aws.stacks import find_stack
from backend.cleanup.resource import Found, Kind, User, by_all
from backend.progress import Progress


def _find_workflow(environment: Environment) -> Iterator[Found]:
    content = "state machine with its executions, Lambdas with their logs"
    return _find_stack(environment, environment.names.workflow_stack, content)


def _find_foundation(environment: Environment) -> Iterator[Found]:
    return _find_stack(environment, environment.names.foundation_stack, "role, and topic with its inbox")


def _find_stack(environment: Environment, name: str, content: str) -> Iterator[Found]:
    stack = find_stack(environment, name)
    if stack is not None:
        tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
        if environment.tags.items() <= tags.items():
            yield Found(name, f"{content}; {stack['StackStatus']}")


def find_workflow_users(environment: Environment) -> Iterator[User]:
    """The workflow: it notifies through the topic, and reads images from the bucket."""
    for found in _find_workflow(environment):
        yield User(f"stack {found.name}")


def _delete_workflow(environment: Environment, _name: str, progress: Progress) -> None:
    workflow.delete_workflow(environment, progress)


def _delete_foundation(environment: Environment, _name: str, progress: Progress) -> None:
    foundation.delete_foundation(environment, progress)


WORKFLOW = Kind("workflow stack", _find_workflow, _delete_workflow)
FOUNDATION = Kind("foundation stack", _find_foundation, _delete_foundation, by_all)
