"""The metrics of a training job: found in its log by regular expressions, kept in CloudWatch and with the job."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from embedded_aws.sagemaker.containers.log_file import LogLine
from embedded_aws.sagemaker.registry import Registry, StoredResource

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_NAMESPACE = "/aws/sagemaker/TrainingJobs"
_MAX_DATA = 1_000  # of one PutMetricData request


@dataclass(frozen=True)
class Measurement:
    """A metric's value in one log line, and that line's time in epoch seconds."""

    name: str
    value: float
    time: float


def measurements(lines: list[LogLine], definitions: Mapping[str, str]) -> Iterator[Measurement]:
    """What the definitions (a metric's name to an expression with one group, the value) find in log lines."""
    for line in lines:
        for name, expression in definitions.items():
            found = re.search(expression, line.text)
            if found and math.isfinite(value := float(found.group(1))):  # CloudWatch takes no NaN
                yield Measurement(name, value, line.time)


class TrainingMetrics:
    """Where a training job's metrics go."""

    def __init__(
        self, cloudwatch: CloudWatchClient, registry: Registry, job: StoredResource, definitions: Mapping[str, str]
    ) -> None:
        self._cloudwatch = cloudwatch
        self._registry = registry
        self._job = job
        self._definitions = definitions

    def deliver(self, lines: list[LogLine]) -> None:
        """Keep what a few log lines measure; raises ClientError or BotoCoreError when CloudWatch does not take it."""
        found = list(measurements(lines, self._definitions))
        for start in range(0, len(found), _MAX_DATA):
            self._put(found[start : start + _MAX_DATA])
        if found:
            self._registry.update(self._job.kind, self._job.name, lambda job: _with_final_metrics(job, found))

    def _put(self, found: list[Measurement]) -> None:
        dimensions = [{"Name": "TrainingJobName", "Value": self._job.name}]
        data: list[Any] = [
            {"MetricName": item.name, "Dimensions": dimensions, "Timestamp": item.time, "Value": item.value}
            for item in found
        ]
        self._cloudwatch.put_metric_data(Namespace=_NAMESPACE, MetricData=data)


def _with_final_metrics(job: StoredResource, found: list[Measurement]) -> StoredResource:
    """The job with the last value of every metric."""
    final = {metric["MetricName"]: metric for metric in job.body.get("FinalMetricDataList", [])}
    for item in found:
        final[item.name] = {"MetricName": item.name, "Value": item.value, "Timestamp": int(item.time)}
    return job.changed(FinalMetricDataList=list(final.values()))
