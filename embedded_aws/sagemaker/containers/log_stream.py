"""A stream of CloudWatch Logs, made when its first lines come."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from embedded_aws.sagemaker.containers.log_file import LogLine

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


class LogStream:
    """Where a container's lines go: a group of all containers of a kind, and a stream of this one."""

    def __init__(self, logs: CloudWatchLogsClient, group: str, stream: str) -> None:
        self._logs = logs
        self._group = group
        self._stream = stream
        self._exists = False

    def deliver(self, lines: list[LogLine]) -> None:
        """Append lines; raises ClientError or BotoCoreError, and has appended nothing then."""
        if not self._exists:
            self._create()
        events = [{"timestamp": int(line.time * 1000), "message": line.text} for line in lines]
        try:
            self._logs.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=events)  # type: ignore[arg-type]
        except ClientError:
            self._exists = False  # somebody may have deleted it: make sure before the next attempt
            raise

    def _create(self) -> None:
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_group(logGroupName=self._group)
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        self._exists = True
