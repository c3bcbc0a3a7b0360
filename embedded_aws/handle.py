"""Starting the embedded AWS, or finding the one that runs, and speaking to it."""

from __future__ import annotations

import atexit
import http.client
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from embedded_aws.errors import EmbeddedAwsError
from embedded_aws.installation import ACCOUNT, HEALTH_PATH, REGION, Installation, Running

ALREADY_RUNNING = 75
"""Exit code of a supervisor that found another one on its state folder."""
_START_SECONDS = 60.0
_RECOVERY_SECONDS = 15.0
"""How long to wait for a service that its supervisor starts again."""
_STOP_SECONDS = 20.0
_OUR_SERVICES = frozenset({"sagemaker", "sagemaker-runtime", "sagemaker-metrics", "sagemaker-featurestore-runtime"})

_handles: dict[Path, EmbeddedAws] = {}
_handles_lock = threading.Lock()


@dataclass(frozen=True)
class EmbeddedAws:
    """A running embedded AWS; `supervisor` is its process when this process started it."""

    account: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    running: Running
    installation: Installation
    supervisor: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def endpoint_url(self, service_name: str) -> str:
        """Where a service, by its boto3 name, is reached."""
        ours = service_name in _OUR_SERVICES
        return f"http://127.0.0.1:{self.running.ports['sagemaker' if ours else 'ministack']}"

    def variables(self) -> dict[str, str]:
        """The environment variables that lead boto3, the AWS CLI and the SDKs here."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint_url("s3"),
            "AWS_ENDPOINT_URL_SAGEMAKER": self.endpoint_url("sagemaker"),
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": self.endpoint_url("sagemaker-runtime"),
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # sync-127.0.0.1 is no host
        }

    def is_running(self) -> bool:
        """Whether both services answer and will go on: without their supervisor they are about to end."""
        return self.is_supervised() and is_healthy(self.running)

    def is_supervised(self) -> bool:
        """Whether the supervisor of this start lives: then a service that does not answer is being started again."""
        return self.installation.running() == self.running and self.installation.is_locked("supervisor")

    def await_health(self, seconds: float = _RECOVERY_SECONDS) -> None:
        """Wait until both services answer; raises EmbeddedAwsError when they do not in time."""
        deadline = time.monotonic() + seconds
        while not is_healthy(self.running):
            if time.monotonic() > deadline or not self.is_supervised():
                logs = self.installation.log_path("supervisor").parent
                raise EmbeddedAwsError(
                    f"The embedded AWS does not answer. Try again in a moment; its logs are in {logs}."
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """End what this process started, and wait until its state is saved; what another started goes on."""
        if self.supervisor is None:
            return
        self.supervisor.terminate()
        try:
            self.supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            self.supervisor.wait()
        if self.supervisor.stdin:
            self.supervisor.stdin.close()


def start(state_dir: Path) -> EmbeddedAws:
    """The embedded AWS on this state folder: the one that runs, whoever started it, or else a new one.

    Raises EmbeddedAwsError, with the end of the log, when it does not come up.
    """
    installation = Installation.open(state_dir)
    with _handles_lock:
        known = _handles.get(installation.folder)
        if known is not None and known.is_supervised():
            known.await_health()
            return known
        aws = _attach(installation, known) or _await_own(installation, known)
        if aws is None:
            if known is not None:
                known.stop()
            aws = _launch(installation)
        _handles[installation.folder] = aws
        return aws


def is_healthy(running: Running) -> bool:
    """Whether each service answers, and is of this start."""
    return all(instance_at(port) == running.instance for port in running.ports.values())


def instance_at(port: int, timeout: float = 5.0) -> str | None:
    """What the health path answers within `timeout` seconds; None when it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", HEALTH_PATH)
        return connection.getresponse().read(64).decode("ascii", errors="replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _attach(installation: Installation, known: EmbeddedAws | None) -> EmbeddedAws | None:
    """The one that runs; a supervisor of ours that waited for its turn may be the one that runs it."""
    running = installation.running()
    if running is None:
        return None
    aws = _handle(installation, running, known.supervisor if known is not None else None)
    if not aws.is_supervised():
        return None
    aws.await_health()
    return aws


def _await_own(installation: Installation, known: EmbeddedAws | None) -> EmbeddedAws | None:
    """What our own supervisor is just starting, now that it is its turn; None when it ends instead."""
    if known is None or known.supervisor is None or known.supervisor.poll() is not None:
        return None
    try:
        return _await_health(installation, known.supervisor)
    except EmbeddedAwsError:
        return None


def _launch(installation: Installation) -> EmbeddedAws:
    """Start a supervisor. Its standard input is a pipe of ours: it ends when we do, however we end."""
    try:
        return _launch_on(installation)
    except OSError as error:
        where = error.filename or installation.folder
        raise EmbeddedAwsError(
            f"The embedded AWS did not start: {where} cannot be used ({error.strerror or error}). Mend that, or name "
            "another folder with SCONES_STATE_DIR."
        ) from error


def _launch_on(installation: Installation) -> EmbeddedAws:
    installation.withdraw_leftover()
    installation.secret()
    with installation.log_path("supervisor").open("wb") as log:
        supervisor = subprocess.Popen(  # noqa: S603  our own module, with our own interpreter
            [sys.executable, "-m", "embedded_aws", "--state-dir", str(installation.folder.parent), "--owned"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        )
    return _await_health(installation, supervisor)


def _await_health(installation: Installation, supervisor: subprocess.Popen[bytes]) -> EmbeddedAws:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        running = installation.running()
        if supervisor.poll() not in (None, ALREADY_RUNNING):
            break
        if running and is_healthy(running):
            if supervisor.poll() is not None:
                return _handle(installation, running)
            atexit.register(supervisor.terminate)
            return _handle(installation, running, supervisor)
        time.sleep(0.05)
    supervisor.kill()
    supervisor.wait()
    log = installation.log_path("supervisor")
    raise EmbeddedAwsError(
        f"The embedded AWS did not start: {_last_line(log)} Its logs are in {log.parent}; "
        f"deleting {installation.folder} erases it and starts anew."
    )


def _handle(
    installation: Installation, running: Running, supervisor: subprocess.Popen[bytes] | None = None
) -> EmbeddedAws:
    return EmbeddedAws(ACCOUNT, ACCOUNT, installation.secret(), running, installation, supervisor)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing.")
