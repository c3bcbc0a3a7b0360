"""Training jobs whose container is the scripted one, on a service in this process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.aws.environment import Environment
from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.api import control_plane
from embedded_aws.sagemaker.limits import Limits
from embedded_aws.sagemaker.registry import Registry
from embedded_aws.sagemaker.service import Service
from tests.embedded_aws.sagemaker.examples import training_request

_PATIENCE = 120.0  # seconds: what ends, ends long before, unless the machine is busy
PROGRAM = (str(Path(__file__).with_name("scripted_container.py")),)
LIMITS = Limits(cores=2)
"""One job at a time."""
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


@contextmanager
def training_service(folder: Path, environment: Environment, **members: Any) -> Iterator[Service]:
    """A service on a folder that trains with scripted containers; `members` of its account may be others."""
    usual: dict[str, Any] = {
        "s3": environment.s3,
        "logs": environment.logs,
        "cloudwatch": environment.session.shared_client("cloudwatch"),
        "program": PROGRAM,
        "limits": LIMITS,
    }
    folder.mkdir(exist_ok=True)
    account = Account(
        id=environment.account,
        region=environment.region,
        folder=folder,
        registry=Registry(folder / "sagemaker.sqlite"),
        capture_age_seconds=0.1,
        **usual | members,
    )
    service = Service(account)
    service.training.start()
    try:
        yield service
    finally:
        service.training.stop()
        account.registry.close()


class Jobs:
    """Creates scripted jobs, and tells what becomes of them."""

    def __init__(self, service: Service, environment: Environment, bucket: str) -> None:
        self.service = service
        self._environment = environment
        self._bucket = bucket

    def perform(self, operation: str, **request: Any) -> dict[str, Any]:
        return asyncio.run(control_plane.perform(self.service, operation, request))

    def create(self, name: str, max_runtime: int = 600, **script: str) -> str:
        self.perform("CreateTrainingJob", **self.request(name, max_runtime, **script))
        return name

    def request(self, name: str, max_runtime: int = 600, **script: str) -> dict[str, Any]:
        return training_request(
            name,
            self._bucket,
            {"train": f"s3://{self._bucket}/scripted/"},
            HyperParameters=script,
            StoppingCondition={"MaxRuntimeInSeconds": max_runtime},
            Environment={"GREETING": "hello"},
        )

    def describe(self, name: str) -> dict[str, Any]:
        return self.perform("DescribeTrainingJob", TrainingJobName=name)

    def stop(self, name: str) -> None:
        self.perform("StopTrainingJob", TrainingJobName=name)

    def ended(self, name: str) -> dict[str, Any]:
        """The job's description once it has ended."""
        wait_until(lambda: self.describe(name)["TrainingJobStatus"] in ("Completed", "Failed", "Stopped"))
        return self.describe(name)

    def reached(self, name: str, secondary: str) -> None:
        """Wait until the job has this secondary status."""
        wait_until(lambda: self.describe(name)["SecondaryStatus"] == secondary)

    def log(self, name: str) -> list[str]:
        """The job's lines in CloudWatch Logs, so far."""
        logs = self._environment.logs
        groups = logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]
        if not groups:
            return []
        streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
        if not streams:
            return []
        stream = streams[0]["logStreamName"]
        events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)["events"]
        return [event["message"] for event in events]

    def surroundings(self, name: str) -> dict[str, Any]:
        """What the job's container found, from its log."""
        found: dict[str, Any] = json.loads(self.log(name)[-1])
        return found


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fails when it does not within two minutes."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
