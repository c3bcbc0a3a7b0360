"""What the project's training jobs and endpoint wrote to CloudWatch Logs; the Lambdas' logs go with their stack."""

from __future__ import annotations

from collections.abc import Iterator

from backend.aws.environment import Environment
from backend.aws.errors import missing_is_fine
from backend.aws.names import TRAINING_LOG_GROUP
from backend.cleanup.resource import Found, Kind
from backend.progress import Progress
from backend.wording import count_of


def _find_training_logs(environment: Environment) -> Iterator[Found]:
    streams = sum(1 for _ in _training_streams(environment))
    if streams:
        yield Found(f"{TRAINING_LOG_GROUP}/{environment.project}-*", count_of(streams, "log stream"))


def _delete_training_logs(environment: Environment, _name: str, _progress: Progress) -> None:
    for stream in list(_training_streams(environment)):
        with missing_is_fine():
            environment.logs.delete_log_stream(logGroupName=TRAINING_LOG_GROUP, logStreamName=stream)


def _training_streams(environment: Environment) -> Iterator[str]:
    """The streams of this project's training jobs: `<job>/<container>`."""
    pages = environment.logs.get_paginator("describe_log_streams").paginate(
        logGroupName=TRAINING_LOG_GROUP, logStreamNamePrefix=f"{environment.project}-"
    )
    with missing_is_fine():  # nothing was ever trained
        for page in pages:
            for stream in page["logStreams"]:
                job, _, _container = stream["logStreamName"].partition("/")
                if environment.names.is_stamped(job):
                    yield stream["logStreamName"]


def _find_endpoint_log(environment: Environment) -> Iterator[Found]:
    name = environment.names.endpoint_log_group
    pages = environment.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    for group in (group for page in pages for group in page["logGroups"]):
        found = group["logGroupName"]
        if found == name or environment.names.is_evaluation_log_group(found):
            yield Found(found, f"{group.get('storedBytes', 0) / 1e3:,.1f} kB")


def _delete_endpoint_log(environment: Environment, name: str, _progress: Progress) -> None:
    with missing_is_fine():
        environment.logs.delete_log_group(logGroupName=name)


KINDS = (
    Kind("training logs", _find_training_logs, _delete_training_logs),
    Kind("endpoint log", _find_endpoint_log, _delete_endpoint_log),
)
