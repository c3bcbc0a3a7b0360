"""What belongs to one state folder: its secret, its ports, and which services run on it now."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from embedded_aws.errors import EmbeddedAwsError

ACCOUNT = "000000000000"
REGION = "us-east-1"
SERVICES = ("ministack", "sagemaker")
HEALTH_PATH = "/_scones/health"


class Occupied(Exception):
    """When another process holds a lock for longer than we wait."""


@dataclass(frozen=True)
class Running:
    """The services that run now: `instance` tells them from those of another start, `ports` is by service."""

    instance: str
    ports: dict[str, int]


@dataclass(frozen=True)
class Installation:
    """The embedded AWS's folder, `<state_dir>/aws`, readable by its owner only."""

    folder: Path

    @classmethod
    def open(cls, state_dir: Path) -> Installation:
        """The one in a state folder, made when missing; raises EmbeddedAwsError when nothing can be written there."""
        folder = state_dir.resolve() / "aws"
        try:
            for path in (state_dir.resolve(), folder, folder / "logs"):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(b"?")
        except OSError as error:
            raise EmbeddedAwsError(
                f"The state folder {state_dir} cannot be used: {error.strerror} ({error.filename or folder}). "
                "Mend that, or name another folder with SCONES_STATE_DIR."
            ) from error
        return cls(folder)

    def log_path(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def secret(self) -> str:
        """The secret access key of this installation, made at first use: who cannot read it cannot sign a request."""
        path = self.folder / "secret"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii")
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret := secrets.token_urlsafe(30))
        return secret

    def running(self) -> Running | None:
        """What was started last, if it was not ended cleanly; only a health check tells whether it still runs."""
        try:
            return Running(**json.loads(self._running_path.read_text(encoding="ascii")))
        except (OSError, ValueError, TypeError):
            return None

    def announce(self, running: Running) -> None:
        """Tell other processes, and the next start, where the services are."""
        text = json.dumps(asdict(running))
        for path in (self._running_path, self._ports_path):
            replacement = path.with_suffix(".new")
            replacement.write_text(text, encoding="ascii")
            replacement.replace(path)

    def withdraw(self) -> None:
        """Say that the services have ended."""
        self._running_path.unlink(missing_ok=True)

    def withdraw_leftover(self) -> None:
        """Take back what a killed supervisor announced: its services may still answer, and are about to end."""
        with suppress(Occupied), self.lock("supervisor", patience=0.0):
            self.withdraw()

    def choose_ports(self) -> dict[str, int]:
        """The ports of the last run where they are free, so that exported variables stay true; else any."""
        try:
            last = json.loads(self._ports_path.read_text(encoding="ascii"))["ports"]
        except (FileNotFoundError, ValueError, KeyError):
            last = {}
        return {service: _free_port(last.get(service, 0)) for service in SERVICES}

    @contextmanager
    def lock(self, name: str, patience: float) -> Iterator[None]:
        """Hold the lock of this name; raises Occupied when another process keeps it for `patience` seconds.

        The lock ends with the process: its descriptor is not inherited.
        """
        deadline = time.monotonic() + patience
        with self._lock_path(name).open("a+") as file:
            while not _try_lock(file, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    raise Occupied(name)
                time.sleep(0.05)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def is_locked(self, name: str) -> bool:
        """Whether a process holds the lock of this name now."""
        try:
            with self._lock_path(name).open() as file:
                return not _try_lock(file, fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def end_predecessor(self, name: str, patience: float) -> None:
        """Wait until a service of an earlier supervisor has ended, and end it when it hangs."""
        with suppress(Occupied), self.lock(name, patience):
            return
        with suppress(ValueError, ProcessLookupError):
            os.kill(int(self._lock_path(name).read_text(encoding="ascii")), signal.SIGKILL)
        with suppress(Occupied), self.lock(name, patience):
            return

    def _lock_path(self, name: str) -> Path:
        return self.folder / f"{name}.lock"

    @property
    def _running_path(self) -> Path:
        return self.folder / "running.json"

    @property
    def _ports_path(self) -> Path:
        return self.folder / "ports.json"


def _try_lock(file: IO[str], operation: int) -> bool:
    """Lock a file until it is closed; False when another process has it locked."""
    try:
        fcntl.flock(file, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
