"""What there is, and how it goes: kind after kind, in an order that works."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from backend.aws_errors import aws_errors
from backend.cleanup import local, logs, sagemaker, stacks, storage
from backend.cleanup.resource import Kind, Resource
from backend.environment import Environment
from backend.errors import CleanupIncomplete, SconesError
from backend.progress import Progress, no_progress
from backend.wording import count_of

_KINDS: tuple[Kind, ...] = (  # what uses something goes before what it uses, and the bucket after all that writes to it
    stacks.WORKFLOW,
    *sagemaker.KINDS,
    *logs.KINDS,
    *storage.CONTENT_KINDS,
    stacks.FOUNDATION,
    storage.BUCKET,
    *local.KINDS,
)


def list_resources(environment: Environment) -> list[Resource]:
    """Everything of this project that exists, in the order in which it is deleted.

    Raises AwsRequestError when AWS does not let it be listed.
    """
    with aws_errors("list the project's resources"):
        return list(chain.from_iterable(kind.find(environment) for kind in _KINDS))


def delete_resources(environment: Environment, resources: Sequence[Resource], progress: Progress = no_progress) -> None:
    """Delete these resources; one that fails does not keep the others, one that is gone already is no error.

    Raises CleanupIncomplete, naming what is left and why. When `progress` raises, what was not begun stays.
    """
    in_order = [(kind, resource) for kind in _KINDS for resource in resources if resource.kind == kind.name]
    left: list[str] = []
    for done, (kind, resource) in enumerate(in_order):
        progress(done / len(in_order), f"Deleting {resource.kind} {resource.name}.")
        try:
            with aws_errors(f"delete {resource.kind} {resource.name}"):
                kind.delete(environment, resource)
        except SconesError as error:
            left.append(f"{resource.kind} {resource.name} ({error})")
    if left:
        raise CleanupIncomplete(f"Left: {'; '.join(left)} Delete the rest again in a few minutes.")
    progress(1.0, f"Deleted {count_of(len(in_order), 'resource')}.")
