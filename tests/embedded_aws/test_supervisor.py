"""The embedded AWS's life: shared, ended with its owner, and none the worse for kill -9."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.config import Config

import embedded_aws
from backend.aws.environment import EmbeddedSession
from embedded_aws.installation import SERVICES

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of nearly all tests: what one of them ends, the next starts again."""
    folder = tmp_path_factory.mktemp("supervised")
    yield folder
    embedded_aws.start(folder).stop()


@pytest.fixture
def aws(folder: Path) -> embedded_aws.EmbeddedAws:
    return embedded_aws.start(folder)


def await_true(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def server_at(port: int) -> socket.socket:
    """A server at a port, once its owner's last thread is gone: only then is a port of a killed process free."""
    servers: list[socket.socket] = []

    def is_taken() -> bool:
        with contextlib.suppress(OSError):
            servers.append(socket.create_server(("127.0.0.1", port)))
        return bool(servers)

    await_true(is_taken)
    return servers[0]


def put(aws: embedded_aws.EmbeddedAws, bucket: str) -> None:
    """Create a bucket, and wait until it would survive a kill -9."""
    EmbeddedSession(aws).client("s3").create_bucket(Bucket=bucket)
    state = aws.installation.folder / "ministack" / "state" / "s3.json"
    await_true(lambda: state.exists() and bucket in state.read_text())


def buckets(aws: embedded_aws.EmbeddedAws) -> set[str]:
    return {item["Name"] for item in EmbeddedSession(aws).client("s3").list_buckets()["Buckets"]}


def services(aws: embedded_aws.EmbeddedAws) -> list[psutil.Process]:
    assert aws.supervisor is not None
    return psutil.Process(aws.supervisor.pid).children()


def service(aws: embedded_aws.EmbeddedAws, name: str) -> psutil.Process:
    [found] = (process for process in services(aws) if name in process.cmdline())
    return found


def test_a_second_start_finds_the_one_that_runs(aws: embedded_aws.EmbeddedAws, folder: Path) -> None:
    assert embedded_aws.start(folder) is aws


def test_another_process_shares_it(aws: embedded_aws.EmbeddedAws, folder: Path) -> None:
    program = (
        f"from pathlib import Path; import embedded_aws;print(embedded_aws.start(Path({str(folder)!r})).variables())"
    )
    output = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert output.stdout.strip() == str(aws.variables())
    assert aws.is_running()


def test_state_and_addresses_survive_an_orderly_end(aws: embedded_aws.EmbeddedAws, folder: Path) -> None:
    put(aws, "kept-in-order")
    aws.stop()
    again = embedded_aws.start(folder)
    assert "kept-in-order" in buckets(again)
    assert again.variables() == aws.variables()


@pytest.mark.skipif(sys.platform != "linux", reason="where Linux says which ports it gives to others")
def test_its_ports_are_none_that_the_system_gives_to_others_meanwhile(aws: embedded_aws.EmbeddedAws) -> None:
    lowest, _highest = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert all(port < int(lowest) for port in aws.running.ports.values())


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_is_killed_comes_back(aws: embedded_aws.EmbeddedAws, name: str) -> None:
    put(aws, f"kept-without-{name}")
    victim = service(aws, name)
    victim.kill()
    await_true(lambda: victim.pid not in {process.pid for process in services(aws)} and aws.is_running())
    assert f"kept-without-{name}" in buckets(aws)


def test_a_service_comes_back_however_often_it_is_killed(aws: embedded_aws.EmbeddedAws) -> None:
    before = buckets(aws)
    for _ in range(8):
        victim = services(aws)[-1]  # the one that was started last
        victim.kill()
        await_true(lambda pid=victim.pid: services(aws)[-1].pid != pid and len(services(aws)) == 2)  # type: ignore[misc]
    await_true(aws.is_running)
    assert buckets(aws) == before


def test_a_service_that_ends_by_itself_at_each_start_is_given_up_in_words(
    aws: embedded_aws.EmbeddedAws, folder: Path
) -> None:
    assert aws.supervisor is not None
    supervisor = psutil.Process(aws.supervisor.pid)
    sagemaker = service(aws, "sagemaker")
    supervisor.suspend()
    sagemaker.kill()
    await_true(lambda: sagemaker.status() == psutil.STATUS_ZOMBIE)  # it ended, and its parent does not know
    with server_at(aws.running.ports["sagemaker"]):  # nothing else can serve there
        supervisor.resume()
        assert aws.supervisor.wait(60) == 1
    log = (folder / "aws" / "logs" / "supervisor.log").read_text().splitlines()
    assert log[-1].startswith("error: Service sagemaker keeps ending (last with exit code ")
    assert log[-1].endswith(f"its log is {folder / 'aws' / 'logs' / 'sagemaker.log'}.")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_hangs_is_ended_and_comes_back(aws: embedded_aws.EmbeddedAws, name: str, folder: Path) -> None:
    victim = service(aws, name)
    victim.suspend()
    session = EmbeddedSession(aws)
    config = Config(connect_timeout=2, read_timeout=65, retries={"total_max_attempts": 3, "mode": "standard"})
    session.client("s3", config=config).list_buckets()
    session.client("sagemaker", config=config).list_models()
    psutil.wait_procs([victim], timeout=20)
    assert victim.pid not in {process.pid for process in services(aws)}
    assert f"ervice {name} does not answer; ending it." in (folder / "aws" / "logs" / "supervisor.log").read_text()


def test_a_service_that_hung_on_a_killed_supervisor_is_ended_by_the_next(
    aws: embedded_aws.EmbeddedAws, folder: Path
) -> None:
    before, victim = buckets(aws), service(aws, "ministack")
    victim.suspend()
    assert aws.supervisor is not None
    aws.supervisor.kill()
    aws.supervisor.wait()
    again = embedded_aws.start(folder)
    assert buckets(again) == before
    assert again.running.ports == aws.running.ports
    _gone, left = psutil.wait_procs([victim], timeout=5)
    assert left == []


def test_the_services_end_with_a_killed_supervisor_and_the_next_start_works(
    aws: embedded_aws.EmbeddedAws, folder: Path
) -> None:
    put(aws, "kept-without-supervisor")
    left = services(aws)
    assert aws.supervisor is not None
    aws.supervisor.kill()
    aws.supervisor.wait()
    again = embedded_aws.start(folder)
    assert "kept-without-supervisor" in buckets(again)
    psutil.wait_procs(left, timeout=20)
    assert not any(process.is_running() for process in left)


def test_s3_goes_on_until_sagemaker_has_ended(aws: embedded_aws.EmbeddedAws) -> None:
    before, ministack, sagemaker = buckets(aws), service(aws, "ministack"), service(aws, "sagemaker")
    plain_s3 = boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url("s3"),
        region_name=embedded_aws.REGION,
        aws_access_key_id=aws.access_key_id,
        aws_secret_access_key=aws.secret_access_key,
    )
    assert aws.supervisor is not None
    sagemaker.suspend()
    aws.supervisor.terminate()
    await_true(lambda: aws.installation.running() is None)  # it has begun to end its services
    assert psutil.wait_procs([ministack], timeout=2)[0] == []
    assert {item["Name"] for item in plain_s3.list_buckets()["Buckets"]} == before
    sagemaker.resume()
    assert aws.supervisor.wait(20) == 0
    assert psutil.wait_procs([ministack, sagemaker], timeout=1)[1] == []


def test_everything_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; import embedded_aws; import sys;"
        f"aws = embedded_aws.start(Path({str(tmp_path)!r})); print(aws.supervisor.pid, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    supervisor = psutil.Process(int(owner.stdout.readline()))
    family = [supervisor, *supervisor.children()]
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert len(family) == 3
    _gone, left = psutil.wait_procs(family, timeout=20)
    assert left == []


def test_only_its_owner_can_read_the_secret(aws: embedded_aws.EmbeddedAws, folder: Path) -> None:
    assert (folder / "aws").stat().st_mode & 0o777 == 0o700
    assert (folder / "aws" / "secret").stat().st_mode & 0o777 == 0o600


def test_the_secret_is_in_no_log_and_no_command_line(aws: embedded_aws.EmbeddedAws, folder: Path) -> None:
    put(aws, "some-bucket")
    logs = "".join(path.read_text() for path in (folder / "aws" / "logs").iterdir())
    lines = [" ".join(process.cmdline()) for process in services(aws)]
    assert aws.secret_access_key not in logs + "".join(lines)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded_aws.EmbeddedAws]:
    """One that was started by a user of AWS, who has another capture age."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_PROFILE", "production")
        patch.setenv("AWS_SESSION_TOKEN", "private")
        patch.setenv("SCONES_CAPTURE_AGE_SECONDS", "17")
        aws = embedded_aws.start(tmp_path_factory.mktemp("told"))
    yield aws
    aws.stop()


def test_the_users_own_aws_does_not_reach_the_services(told: embedded_aws.EmbeddedAws) -> None:
    for process in services(told):
        assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & process.environ().keys()


def test_the_capture_age_reaches_sagemaker(told: embedded_aws.EmbeddedAws) -> None:
    assert service(told, "sagemaker").cmdline()[-1] == "17.0"


def test_it_can_be_started_alone_and_prints_what_to_export(tmp_path: Path) -> None:
    alone = subprocess.Popen(
        [sys.executable, "-m", "embedded_aws", "--state-dir", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert alone.stdout is not None
    try:
        exports = [line.strip() for line in iter(alone.stdout.readline, "# Serving until Ctrl-C.\n")]
        await_true(lambda: (tmp_path / "aws" / "running.json").exists())
        shared = embedded_aws.start(tmp_path)
        assert exports == [f"export {name}={value}" for name, value in shared.variables().items()]
        shared.stop()  # another process's: it goes on
        assert shared.is_running()
    finally:
        os.kill(alone.pid, signal.SIGINT)
        alone.communicate(timeout=20)
    assert alone.returncode == 0
