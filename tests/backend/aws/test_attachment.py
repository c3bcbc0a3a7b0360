"""An app whose embedded AWS ends under it goes on, with the clients that it has."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from botocore.config import Config

import embedded_aws
from backend.aws.environment import Environment, open_environment
from backend.errors import EmbeddedAwsUnavailable
from backend.monitoring import project_source
from backend.monitoring.objects import Listed, list_all, open_place
from backend.settings import Settings
from tests.embedded_aws.sagemaker.scripted import wait_until

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
OWNER = """
import sys
from pathlib import Path
import embedded_aws
aws = embedded_aws.start(Path(sys.argv[1]))
print(aws.supervisor.pid, flush=True)
sys.stdin.read()
"""


def settings_for(folder: Path) -> Settings:
    return Settings(environment="embedded", state_dir=folder, project="scones-attach")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """One that goes on through all that these tests do to it."""
    yield from opened(tmp_path_factory.mktemp("attached"))


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Environment]:
    """One that does not go on as it was."""
    yield from opened(tmp_path)


def opened(folder: Path) -> Iterator[Environment]:
    """An app with a bucket, which would survive a kill -9."""
    with closing(open_environment(settings_for(folder))) as environment:
        environment.s3.create_bucket(Bucket=environment.bucket)
        environment.sagemaker.list_models()
        state = folder / "aws" / "ministack" / "state" / "s3.json"
        wait_until(lambda: state.exists() and environment.bucket in state.read_text())
        yield environment


def supervisor_of(environment: Environment) -> subprocess.Popen[bytes]:
    supervisor = embedded_aws.start(environment.settings.state_dir).supervisor
    assert supervisor is not None
    return supervisor


def kill_supervisor(environment: Environment) -> int:
    """Returns the id of the process that is gone."""
    supervisor = supervisor_of(environment)
    supervisor.kill()
    supervisor.wait()
    return supervisor.pid


def buckets(environment: Environment) -> list[str]:
    return [bucket["Name"] for bucket in environment.s3.list_buckets()["Buckets"]]


def test_clients_that_were_made_before_find_what_was_started_again(app: Environment) -> None:
    s3, sagemaker = app.s3, app.sagemaker
    own = app.session.client("s3", config=ONCE)
    s3.put_object(Bucket=app.bucket, Key="kept", Body=b"kept")
    kill_supervisor(app)
    assert s3.get_object(Bucket=app.bucket, Key="kept")["Body"].read() == b"kept"
    assert sagemaker.list_models()["Models"] == []
    assert own.list_objects_v2(Bucket=app.bucket)["KeyCount"] == 1
    assert list(list_all(open_place(app, project_source(app)))) == [Listed("", None)]


def test_clients_follow_it_to_other_ports(app: Environment) -> None:
    s3, sagemaker = app.s3, app.sagemaker
    before = embedded_aws.start(app.settings.state_dir)
    before.stop()
    taken = [socket.create_server(("127.0.0.1", port)) for port in before.running.ports.values()]
    try:
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [app.bucket]
        assert sagemaker.list_models()["Models"] == []
        after = embedded_aws.start(app.settings.state_dir)
        assert set(after.running.ports.values()).isdisjoint(before.running.ports.values())
        assert app.s3.meta.endpoint_url == after.endpoint_url("s3")
        assert list(list_all(open_place(app, project_source(app)))) == [Listed("", None)]
    finally:
        for listener in taken:
            listener.close()


def test_it_is_at_the_same_ports_after_its_supervisor_was_killed(app: Environment) -> None:
    before = embedded_aws.start(app.settings.state_dir).running
    kill_supervisor(app)
    assert buckets(app) == [app.bucket]
    after = embedded_aws.start(app.settings.state_dir).running
    assert after.instance != before.instance
    assert after.ports == before.ports


def test_many_threads_start_it_once(app: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    launch = subprocess.Popen

    def counted(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        started.append(threading.get_ident())
        return launch(command, **options)  # type: ignore[call-overload, no-any-return]

    kill_supervisor(app)
    monkeypatch.setattr(subprocess, "Popen", counted)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _number: buckets(app), range(36)))
    assert answers == [[app.bucket]] * 36
    assert len(started) == 1


def test_a_client_that_asks_once_is_answered_while_a_service_is_started_again(app: Environment) -> None:
    own = app.session.client("s3", config=ONCE)
    own.list_buckets()
    for _round in range(3):
        os.kill(service_pid(app, "ministack"), signal.SIGKILL)
        with pytest.raises(Exception, match=r"onnect|closed"):
            while True:  # until the death is seen: a request may still have been answered
                own.list_buckets()
        own.list_buckets()


def test_nothing_is_started_while_the_app_is_ending(own: Environment) -> None:
    s3 = own.s3
    own.close()
    with pytest.raises(EmbeddedAwsUnavailable, match="The app is ending"):
        s3.list_buckets()
    with pytest.raises(EmbeddedAwsUnavailable, match="The app is ending"):
        _ = own.sagemaker


def test_what_keeps_it_from_starting_is_told_at_once_to_those_who_come_later(own: Environment) -> None:
    s3, folder = own.s3, own.settings.state_dir / "aws"
    kill_supervisor(own)
    away = folder.with_name("away")
    folder.rename(away)
    folder.write_text("in the way")
    with pytest.raises(EmbeddedAwsUnavailable) as first:
        s3.list_buckets()
    folder.unlink()
    away.rename(folder)
    with pytest.raises(EmbeddedAwsUnavailable) as second:
        s3.list_buckets()
    assert str(second.value) == str(first.value)
    assert str(folder) in str(first.value)


def test_a_folder_that_was_deleted_is_made_anew_with_another_secret(own: Environment) -> None:
    s3 = own.s3
    embedded_aws.start(own.settings.state_dir).stop()
    shutil.rmtree(own.settings.state_dir / "aws")
    assert s3.list_buckets()["Buckets"] == []


def test_the_second_of_two_apps_starts_it_when_the_first_has_ended(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert int(owner.stdout.readline())
    with closing(open_environment(settings_for(tmp_path))) as second:
        assert embedded_aws.start(tmp_path).supervisor is None
        second.s3.create_bucket(Bucket="from-before")
        second.s3.put_object(Bucket="from-before", Key="kept", Body=b"kept")
        owner.communicate()  # its standard input is closed: it ends, and its embedded AWS with it
        assert buckets(second) == ["from-before"]
        assert embedded_aws.start(tmp_path).supervisor is not None


def service_pid(environment: Environment, name: str) -> int:
    return int((environment.settings.state_dir / "aws" / f"{name}.lock").read_text())
