"""The project's CloudFormation stacks, deleted the way they were deployed."""

from __future__ import annotations

from collections.abc import Iterator

from backend import workflow
from backend.cleanup.resource import Kind, Resource
from backend.environment import Environment
from backend.workflow.stacks import find_stack


def _find_workflow(environment: Environment) -> Iterator[Resource]:
    content = "state machine with its executions, Lambdas with their logs"
    return _find_stack(environment, "workflow stack", environment.workflow_stack, content)


def _find_foundation(environment: Environment) -> Iterator[Resource]:
    return _find_stack(environment, "foundation stack", environment.foundation_stack, "role and topic")


def _find_stack(environment: Environment, kind: str, name: str, content: str) -> Iterator[Resource]:
    stack = find_stack(environment, name)
    if stack is not None:
        tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
        if environment.tags.items() <= tags.items():
            yield Resource(kind, name, f"{content}; {stack['StackStatus']}", stack["StackId"])


def _delete_workflow(environment: Environment, _resource: Resource) -> None:
    workflow.delete_workflow(environment)


def _delete_foundation(environment: Environment, _resource: Resource) -> None:
    workflow.delete_foundation(environment)


WORKFLOW = Kind("workflow stack", _find_workflow, _delete_workflow)
FOUNDATION = Kind("foundation stack", _find_foundation, _delete_foundation)
