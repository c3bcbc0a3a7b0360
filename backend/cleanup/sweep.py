"""What there is, and how it goes: kind after kind, in an order that works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.cleanup import local, logs, sagemaker, stacks, storage
from backend.cleanup.resource import Kind, Resource, User
from backend.errors import CleanupIncomplete, SconesError
from backend.progress import Progress, no_progress, part_of
from backend.wording import count_of, enumerated

KINDS: tuple[Kind, ...] = (  # what uses something goes before what it uses, and the bucket after all that writes to it
    stacks.WORKFLOW,
    *sagemaker.KINDS,
    *logs.KINDS,
    *storage.CONTENT_KINDS,
    stacks.FOUNDATION,
    storage.BUCKET,
    *local.KINDS,
)


_USERS = (stacks.find_workflow_users, sagemaker.find_endpoint_users, sagemaker.find_training_users)


def list_resources(environment: Environment) -> list[Resource]:
    """Everything of this project that exists, in the order in which it is deleted; the detail names what uses it.

    Raises AwsRequestError when AWS does not let it be listed.
    """
    with aws_errors("list the project's resources"):
        resources = [Resource(kind, found.name, found.detail) for kind in KINDS for found in kind.find(environment)]
        users = _find_users(environment)
    return [_marked(resource, resource.users(users)) for resource in resources]


def delete_resources(environment: Environment, resources: Sequence[Resource], progress: Progress = no_progress) -> None:
    """Delete these resources; one that fails does not keep the others, one that is gone already is no error.

    What something that is still there needs is kept, were it only because that could not be deleted: an endpoint keeps
    its configuration, its model, its artifact, its role and the bucket.
    Raises CleanupIncomplete, naming what is left or kept and why. When `progress` raises, what was not begun stays.
    """
    in_order = sorted(resources, key=lambda resource: KINDS.index(resource.kind))
    left: list[str] = []
    for done, resource in enumerate(in_order):
        part = part_of(progress, done / len(in_order), (done + 1) / len(in_order))
        part(0.0, f"Deleting {resource}.")
        try:
            with aws_errors(f"delete {resource}"):
                _require_unused(environment, resource)
                resource.kind.delete(environment, resource.name, part)
        except SconesError as error:
            left.append(f"{resource} ({error})")
    if left:
        raise CleanupIncomplete(f"Left: {'; '.join(left)} Delete the rest again in a few minutes.")
    progress(1.0, f"Deleted {count_of(len(in_order), 'resource')}.")


def _require_unused(environment: Environment, resource: Resource) -> None:
    """Raise CleanupIncomplete when something needs this now: since it was listed, much may have begun or ended."""
    users = resource.users(_find_users(environment)) if resource.kind.is_needed else []
    if users:
        raise CleanupIncomplete(f"kept: in use by {enumerated(users)}, which has to go first")


def _find_users(environment: Environment) -> list[User]:
    """What runs of this project, or is there to run."""
    return [user for find in _USERS for user in find(environment)]


def _marked(resource: Resource, users: Sequence[str]) -> Resource:
    return replace(resource, detail=f"{resource.detail}; in use by {enumerated(users)}") if users else resource
