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
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from embedded_aws.errors import EmbeddedAwsError

ACCOUNT = "000000000000"
REGION = "us-east-1"
SERVICES = ("ministack", "sagemaker")
HEALTH_PATH = "/_scones/health"

_PORTS = range(20_000, 32_768)
"""Below those that systems give to whoever asks for any: nobody is given one between our choice and the service."""
_SECRET_BYTES = 30
_SECRET_LENGTH = 40  # characters, of that many bytes
_SECRET_SECONDS = 10.0


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
        """The secret access key of this installation, made at first use: who cannot read it cannot sign a request.

        Raises OSError when it cannot be written. One that was cut short, by a disk that was full then, is made anew.
        """
        if (secret := self._stored_secret()) is None:
            with self.lock("secret", patience=_SECRET_SECONDS):
                secret = self._stored_secret() or self._make_secret()
        return secret

    def _stored_secret(self) -> str | None:
        try:
            secret = (self.folder / "secret").read_text(encoding="ascii")
        except (FileNotFoundError, ValueError):
            return None
        return secret if len(secret) >= _SECRET_LENGTH else None

    def _make_secret(self) -> str:
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix="secret-")  # readable by its owner only
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secret)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(self.folder / "secret")
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        return secret

    def running(self) -> Running | None:
        """What was started last, if it was not ended cleanly; only a health check tells whether it still runs."""
        try:
            stored = json.loads(self._running_path.read_text(encoding="ascii"))
            return Running(str(stored["instance"]), {service: int(stored["ports"][service]) for service in SERVICES})
        except (OSError, ValueError, TypeError, KeyError):
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
            stored = json.loads(self._ports_path.read_text(encoding="ascii"))["ports"]
            last = {service: int(stored[service]) for service in SERVICES}
        except (OSError, ValueError, KeyError, TypeError):
            last = {}
        ports: dict[str, int] = {}
        for service in SERVICES:
            ports[service] = _free_port(last.get(service, 0), ports.values())
        return ports

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


def _free_port(preferred: int, chosen: Collection[int]) -> int:
    for port in (preferred, *secrets.SystemRandom().sample(_PORTS, 100)):
        if not port or port in chosen:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")
