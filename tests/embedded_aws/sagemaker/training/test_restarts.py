"""What becomes of training jobs when the service ends, in order or not, and when AWS around it does not answer."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from backend.aws.environment import Environment
from embedded_aws.sagemaker.api.exceptions import ResourceInUse
from embedded_aws.sagemaker.containers import process
from tests.embedded_aws.sagemaker.scripted import LIMITS, PROGRAM, Jobs, training_service, wait_until

INTERRUPTED = "InternalServerError: The embedded SageMaker ended while the training job ran. Create another one."


def test_a_job_that_runs_when_the_service_ends_has_failed(jobs: Jobs, unique_name: str) -> None:
    jobs.create(unique_name, wait="stubbornly")
    wait_until(lambda: jobs.log(unique_name))
    jobs.service.training.stop()
    job = jobs.describe(unique_name)
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", INTERRUPTED)


def test_a_job_that_waits_when_the_service_ends_runs_after_the_restart(
    jobs: Jobs, environment: Environment, bucket: str, unique_name: str
) -> None:
    first = jobs.create(f"{unique_name}-first", wait="politely")
    jobs.create(unique_name)
    jobs.reached(first, "Training")
    jobs.service.training.stop()
    assert jobs.describe(unique_name)["SecondaryStatus"] == "Starting"
    with training_service(jobs.service.account.folder, environment) as service:
        assert Jobs(service, environment, bucket).ended(unique_name)["TrainingJobStatus"] == "Completed"


def test_a_killed_service_leaves_no_container_and_forgets_no_job(
    jobs: Jobs, environment: Environment, bucket: str, tmp_path: Path, unique_name: str
) -> None:
    folder = tmp_path / "killed"
    requests = [jobs.request(unique_name, wait="stubbornly"), jobs.request(f"{unique_name}-second")]
    running = start_service(folder, environment, requests)
    wait_until(lambda: jobs.log(unique_name))
    lock = (folder / "training" / unique_name / "container.pid").open()
    with pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    running.kill()
    running.communicate()
    with lock, training_service(folder, environment) as service:
        later = Jobs(service, environment, bucket)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free: the container has ended
        job = later.describe(unique_name)
        assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", INTERRUPTED)
        assert later.ended(f"{unique_name}-second")["TrainingJobStatus"] == "Completed"


def start_service(folder: Path, environment: Environment, requests: list[dict[str, Any]]) -> subprocess.Popen[bytes]:
    """A service in a process of its own that creates jobs and lives until it is killed."""
    credentials = environment.session.get_credentials()
    assert credentials is not None
    assert credentials.secret_key is not None
    variables = {
        "AWS_ACCESS_KEY_ID": environment.account,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "AWS_ENDPOINT_URL": environment.s3.meta.endpoint_url,
    }
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(folder), json.dumps(requests), *PROGRAM],
        env=os.environ | variables,
        stdin=subprocess.PIPE,
    )


SERVICE = """
import asyncio, json, sys
from pathlib import Path
from embedded_aws.sagemaker.account import open_account
from embedded_aws.sagemaker.api import control_plane
from embedded_aws.sagemaker.service import Service

folder, requests, *program = sys.argv[1:]
service = Service(open_account(Path(folder), "000000000000", "us-east-1", 5.0, program))
service.training.start()
for request in json.loads(requests):
    asyncio.run(control_plane.perform(service, "CreateTrainingJob", request))
sys.stdin.read()
"""


def test_a_container_that_outlived_its_service_is_ended(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    (folder / "input" / "config").mkdir(parents=True)
    (folder / "input" / "config" / "hyperparameters.json").write_text('{"wait": "stubbornly"}')
    left = subprocess.Popen(
        process.command(PROGRAM, "train", folder),
        env=process.environment(folder, {}),
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert left.stdout is not None
    assert left.stdout.readline() == b"started\n"
    process.end_leftover(folder)
    assert left.wait(timeout=5) == -signal.SIGKILL
    left.stdout.close()
    process.end_leftover(folder)


def test_a_name_that_many_want_is_given_to_one(jobs: Jobs, unique_name: str) -> None:
    outcomes: list[str] = []

    def create() -> None:
        try:
            jobs.create(unique_name)
            outcomes.append("created")
        except ResourceInUse:
            outcomes.append("taken")

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["created"] + ["taken"] * 5
    jobs.ended(unique_name)


def test_a_job_completes_though_cloudwatch_is_out_of_reach(
    jobs: Jobs, environment: Environment, bucket: str, tmp_path: Path, unique_name: str
) -> None:
    nowhere: Any = {"endpoint_url": "http://127.0.0.1:1", "config": Config(retries={"total_max_attempts": 1})}
    names: Any = ("logs", "cloudwatch")
    clients: Any = {name: environment.session.client(name, **nowhere) for name in names}
    folder = tmp_path / "unreachable"
    with training_service(folder, environment, limits=replace(LIMITS, log_seconds=0), **clients) as service:
        elsewhere = Jobs(service, environment, bucket)
        assert elsewhere.ended(elsewhere.create(unique_name))["TrainingJobStatus"] == "Completed"
