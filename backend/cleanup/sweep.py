"""What there is, and how it goes: kind after kind, in an order that works."""

from __future__ import annotations

from collections.abc import Sequence

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.cleanup import local, logs, sagemaker, stacks, storage
from backend.cleanup.resource import Kind, Resource
from backend.errors import CleanupIncomplete, SconesError
from backend.progress import Progress, no_progress, part_of
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
        return [Resource(kind, found.name, found.detail) for kind in _KINDS for found in kind.find(environment)]


def delete_resources(environment: Environment, resources: Sequence[Resource], progress: Progress = no_progress) -> None:
    """Delete these resources; one that fails does not keep the others, one that is gone already is no error.

    Raises CleanupIncomplete, naming what is left and why. When `progress` raises, what was not begun stays.
    """
    in_order = sorted(resources, key=lambda resource: _KINDS.index(resource.kind))
    left: list[str] = []
    for done, resource in enumerate(in_order):
        part = part_of(progress, done / len(in_order), (done + 1) / len(in_order))
        part(0.0, f"Deleting {resource}.")
        try:
            with aws_errors(f"delete {resource}"):
                resource.kind.delete(environment, resource.name, part)
        except SconesError as error:
            left.append(f"{resource} ({error})")
    if left:
        raise CleanupIncomplete(f"Left: {'; '.join(left)} Delete the rest again in a few minutes.")
    progress(1.0, f"Deleted {count_of(len(in_order), 'resource')}.")
