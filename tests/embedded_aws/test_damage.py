"""Folders and files that are not as they should be, and a disk that is full: a sentence each, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import embedded_aws
from backend.aws.environment import Environment, open_environment
from backend.errors import EmbeddedAwsUnavailable
from backend.settings import Settings
from embedded_aws.installation import SERVICES, Installation
from embedded_aws.sagemaker.capture.spool import CaptureSpool
from embedded_aws.sagemaker.containers.process import end_leftover
from embedded_aws.sagemaker.registry import Registry, StoredResource
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, training_request
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]


def open_on(folder: Path) -> Environment:
    return open_environment(Settings(environment="embedded", state_dir=folder, project="scones-damage"))


@pytest.mark.parametrize("content", ["", "short"])
def test_a_secret_that_was_cut_short_is_made_anew(tmp_path: Path, content: str) -> None:
    installation = Installation.open(tmp_path)
    (installation.folder / "secret").write_text(content)
    secret = installation.secret()
    assert len(secret) == 40
    assert installation.secret() == secret
    assert (installation.folder / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ['{"ports": []}', '{"ports": {"ministack": "a", "sagemaker": null}}', "[]", '{"ports": 3}', "{"]
)
def test_ports_that_make_no_sense_are_ignored(tmp_path: Path, content: str) -> None:
    installation = Installation.open(tmp_path)
    (installation.folder / "ports.json").write_text(content)
    (installation.folder / "running.json").write_text(content)
    assert installation.running() is None
    assert all(1024 < port < 65536 for port in installation.choose_ports().values())


def test_a_state_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(embedded_aws.EmbeddedAwsError, match=f"The state folder {path} cannot be used: "):
        embedded_aws.start(path)
    alone = subprocess.run(
        [sys.executable, "-m", "embedded_aws", "--state-dir", str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert alone.returncode == 1
    assert alone.stderr.startswith("error: The state folder")
    assert "Traceback" not in alone.stderr


def test_stray_files_are_passed_over(tmp_path: Path) -> None:
    aws = tmp_path / "aws"
    for folder in ("sagemaker/capture", "sagemaker/training", "sagemaker/endpoints", "ministack/s3", "ministack/state"):
        (aws / folder).mkdir(parents=True)
        (aws / folder / ".DS_Store").write_bytes(b"\x00\x01Bud1")
    with closing(open_on(tmp_path)) as app:
        assert app.s3.list_buckets()["Buckets"] == []
        assert app.sagemaker.list_models()["Models"] == []
    assert (aws / "sagemaker/capture/.DS_Store").exists()


def test_a_file_is_no_container_that_was_left(tmp_path: Path) -> None:
    (tmp_path / "stray").touch()
    end_leftover(tmp_path / "stray")
    CaptureSpool(tmp_path, 1.0)
    assert (tmp_path / "stray").exists()


def test_a_damaged_registry_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "sagemaker.sqlite"
    with closing(Registry(path)) as registry:
        registry.create(StoredResource("model", "a", "arn:a"))
    path.write_bytes(b"\x00" * 4096 + path.read_bytes()[4096:])
    with closing(Registry(path)) as registry:
        assert registry.get("model", "a") is None
        registry.create(StoredResource("model", "b", "arn:b"))
    assert [aside.stat().st_size > 4096 for aside in tmp_path.glob("*.damaged-*")] == [True]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=64) as mounted:
        yield mounted


def refusal(call: Any, **request: Any) -> str:
    """The code and the sentence of what AWS refuses."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    return f"{error['Code']}: {error['Message']}"


def test_what_a_full_disk_has_no_room_for_is_refused_and_what_was_stored_stays(disk: SmallDisk) -> None:
    with closing(open_on(disk.folder)) as app:
        app.s3.create_bucket(Bucket="full")
        app.s3.put_object(Bucket="full", Key="before", Body=b"kept")
        machine = app.stepfunctions.create_state_machine(
            name="m",
            roleArn="arn:aws:iam::000000000000:role/any",
            definition='{"StartAt": "D", "States": {"D": {"Type": "Succeed"}}}',
        )["stateMachineArn"]
        state = disk.folder / "aws" / "ministack" / "state" / "stepfunctions.json"
        wait_until(lambda: state.exists() and machine in state.read_text())
        disk.fill()
        assert "is full, and nothing was stored" in refusal(
            app.s3.put_object, Bucket="full", Key="no", Body=b"x" * 9000
        )
        assert "InsufficientStorage" in refusal(app.stepfunctions.start_execution, stateMachineArn=machine)
        container = {"Image": IMAGE_URI}
        assert "ResourceLimitExceeded: The disk" in refusal(
            app.sagemaker.create_model, ModelName="no", PrimaryContainer=container
        )
        app.s3.delete_object(Bucket="full", Key="nothing")
        disk.free()
        app.s3.put_object(Bucket="full", Key="after", Body=b"x" * 9000)
        app.sagemaker.create_model(ModelName="yes", PrimaryContainer=container)  # type: ignore[arg-type]
        for service in SERVICES:
            os.kill(int((disk.folder / "aws" / f"{service}.lock").read_text()), signal.SIGKILL)
            app.s3.list_buckets()
        keys = [item["Key"] for item in app.s3.list_objects_v2(Bucket="full")["Contents"]]
        assert keys == ["after", "before"]
        assert [model["ModelName"] for model in app.sagemaker.list_models()["Models"]] == ["yes"]


def test_a_first_start_on_a_full_disk_is_told_and_the_next_one_works(disk: SmallDisk) -> None:
    disk.fill()
    with pytest.raises(embedded_aws.EmbeddedAwsError, match=r"No space left on device"):
        embedded_aws.start(disk.folder)
    disk.free()
    with closing(open_on(disk.folder)) as app:
        assert app.s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_started_again_on_a_full_disk_says_so_and_is_back_with_room(
    disk: SmallDisk, service: str
) -> None:
    with closing(open_on(disk.folder)) as app:
        app.s3.create_bucket(Bucket="full")
        app.s3.put_object(Bucket="full", Key="before", Body=b"kept")
        app.sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": IMAGE_URI})
        state = disk.folder / "aws" / "ministack" / "state" / "s3.json"
        wait_until(lambda: state.exists() and "full" in state.read_text())
        disk.fill()
        os.kill(int((disk.folder / "aws" / f"{service}.lock").read_text()), signal.SIGKILL)
        disk.fill()
        asked = app.s3.list_buckets if service == "ministack" else app.sagemaker.list_models
        with pytest.raises(EmbeddedAwsUnavailable, match=r"No space left on device.*Mend that"):
            asked()
        disk.free()
        wait_until(lambda: is_available(app))
        assert app.s3.get_object(Bucket="full", Key="before")["Body"].read() == b"kept"
        assert [model["ModelName"] for model in app.sagemaker.list_models()["Models"]] == ["m"]


def is_available(app: Environment) -> bool:
    try:
        app.s3.list_buckets()
    except EmbeddedAwsUnavailable:
        return False
    return True


def test_the_supervisor_outlives_a_disk_that_takes_nothing_of_its_log(tmp_path: Path) -> None:
    """It tells of each service that it starts again."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-m", "embedded_aws", "--state-dir", str(tmp_path), "--owned"]
    with full.open("wb") as log, subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=log) as supervisor:
        wait_until(lambda: (tmp_path / "aws" / "running.json").exists())
        aws = embedded_aws.start(tmp_path)
        lock = tmp_path / "aws" / "sagemaker.lock"
        pid = lock.read_text()
        os.kill(int(pid), signal.SIGKILL)
        wait_until(lambda: supervisor.poll() is not None or (lock.read_text() not in ("", pid) and aws.is_running()))
        assert supervisor.poll() is None
        supervisor.terminate()


def test_a_training_job_that_the_disk_has_no_room_for_says_so(disk: SmallDisk) -> None:
    with closing(open_on(disk.folder)) as app:
        app.s3.create_bucket(Bucket="full")
        app.s3.put_object(Bucket="full", Key="data/a", Body=bytes(6 << 20))
        disk.fill(left=4 << 20)
        app.sagemaker.create_training_job(**training_request("job", "full", {"train": "s3://full/data/"}))
        described = app.sagemaker.describe_training_job
        wait_until(lambda: described(TrainingJobName="job")["TrainingJobStatus"] == "Failed")
        assert "No space left on device" in described(TrainingJobName="job")["FailureReason"]
