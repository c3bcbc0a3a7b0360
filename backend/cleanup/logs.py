"""What the project's training jobs and endpoint wrote to CloudWatch Logs; the Lambdas' logs go with their stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from backend.cleanup.resource import Kind, Resource
from backend.environment import Environment
from backend.wording import count_of

_TRAINING_GROUP = "/aws/sagemaker/TrainingJobs"  # of all training jobs of the account, whoever's they are


def _find_training_logs(environment: Environment) -> Iterator[Resource]:
    streams = sum(1 for _ in _training_streams(environment))
    if streams:
        name = f"{_TRAINING_GROUP}/{environment.project}-*"
        yield Resource("training logs", name, count_of(streams, "log stream"))


def _delete_training_logs(environment: Environment, _resource: Resource) -> None:
    for stream in list(_training_streams(environment)):
        with suppress(environment.logs.exceptions.ResourceNotFoundException):
            environment.logs.delete_log_stream(logGroupName=_TRAINING_GROUP, logStreamName=stream)


def _training_streams(environment: Environment) -> Iterator[str]:
    """The streams of this project's training jobs, not of one whose name only begins like ours."""
    ours = re.compile(rf"{re.escape(environment.project)}-\d{{8}}-\d{{6}}-\d{{6}}/")
    pages = environment.logs.get_paginator("describe_log_streams").paginate(
        logGroupName=_TRAINING_GROUP, logStreamNamePrefix=f"{environment.project}-"
    )
    with suppress(environment.logs.exceptions.ResourceNotFoundException):  # nothing was ever trained
        for page in pages:
            yield from (item["logStreamName"] for item in page["logStreams"] if ours.match(item["logStreamName"]))


def _find_endpoint_log(environment: Environment) -> Iterator[Resource]:
    name = f"/aws/sagemaker/Endpoints/{environment.endpoint_name}"
    pages = environment.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    for group in (group for page in pages for group in page["logGroups"]):
        if group["logGroupName"] == name:
            yield Resource("endpoint log", name, f"{group.get('storedBytes', 0) / 1e3:,.1f} kB", group.get("arn"))


def _delete_endpoint_log(environment: Environment, resource: Resource) -> None:
    with suppress(environment.logs.exceptions.ResourceNotFoundException):
        environment.logs.delete_log_group(logGroupName=resource.name)


KINDS = (
    Kind("training logs", _find_training_logs, _delete_training_logs),
    Kind("endpoint log", _find_endpoint_log, _delete_endpoint_log),
)
