"""Runs the two services, starts one again that died, and ends both with itself."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from embedded_aws.errors import EmbeddedAwsError
from embedded_aws.handle import instance_at, is_healthy
from embedded_aws.installation import ACCOUNT, REGION, SERVICES, Installation, Running

_READY_SECONDS = 45.0
_STOP_SECONDS = 8.0
_CHECK_SECONDS = 2.0
"""Between two looks whether a service answers, and how long one look waits; milliseconds while all cores train."""
_MISSED_CHECKS = 3
"""After so many in a row a service hangs, and is ended."""
_MAX_RESTARTS = 5
_RESTART_WINDOW_SECONDS = 60.0
"""In which a service that ends by itself is started again so often; one that others kill, whenever it is killed."""
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH")
_KEPT_PREFIXES = ("SCONES_", "OMP_", "OPENBLAS_")


class Supervisor:
    """The services of one installation, from start to stop; the caller holds the installation's lock."""

    def __init__(self, installation: Installation, capture_age_seconds: float) -> None:
        self._installation = installation
        self._capture_age_seconds = capture_age_seconds
        self.running = Running(secrets.token_hex(8), installation.choose_ports())
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._restarts: deque[float] = deque(maxlen=_MAX_RESTARTS)
        self._stop = threading.Event()

    def run(self) -> None:
        """Serve until asked to stop; raises EmbeddedAwsError when a service does not come up, or keeps ending."""
        try:
            for service in SERVICES:
                self._start_service(service)
            self._await_ready()
            self._installation.announce(self.running)
            for service in SERVICES:
                threading.Thread(target=self._watch, args=(service,), name=f"watch {service}", daemon=True).start()
            while not self._stop.wait(0.2):
                self._restart_the_dead()
        finally:
            self._installation.withdraw()
            self._end_services()

    def stop(self) -> None:
        """Make `run` end; safe in a signal handler."""
        self._stop.set()

    def _start_service(self, service: str) -> None:
        """Its standard input is a pipe of ours: the service ends when we do, however we end."""
        command = [sys.executable, "-m", "embedded_aws.server", service, str(self._installation.folder.parent)]
        command += [str(self.running.ports[service]), self.running.instance, str(self._capture_age_seconds)]
        self._processes[service] = subprocess.Popen(  # noqa: S603  our own module, with our own interpreter
            command, env=self._variables(), stdin=subprocess.PIPE, cwd=Path(__file__).parents[1]
        )

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._stop.is_set() and not is_healthy(self.running):
            for service, process in self._processes.items():
                if process.poll() is not None:
                    raise EmbeddedAwsError(f"Service {service} ended with exit code {process.returncode}.")
            if time.monotonic() > deadline:
                raise EmbeddedAwsError(f"The services did not answer within {_READY_SECONDS:.0f} seconds.")
            time.sleep(0.05)

    def _watch(self, service: str) -> None:
        """End a service that hangs, so that it is started again; one that was just started has time to come up."""
        watched, missed, started = self._processes[service], 0, time.monotonic()
        while not self._stop.wait(_CHECK_SECONDS):
            process = self._processes[service]
            if process is not watched:
                watched, missed, started = process, -1, time.monotonic()  # below zero: it has not answered yet
            if instance_at(self.running.ports[service], _CHECK_SECONDS) == self.running.instance:
                missed = 0
            elif missed >= 0 or time.monotonic() - started > _READY_SECONDS:
                missed += 1
            if missed >= _MISSED_CHECKS and process.poll() is None and not self._stop.is_set():
                _say(f"Service {service} does not answer; ending it.")
                process.kill()
                missed = 0

    def _restart_the_dead(self) -> None:
        for service, process in list(self._processes.items()):
            if process.poll() is None:
                continue
            if process.returncode != -signal.SIGKILL:  # a person's, the kernel's for want of memory, or our own
                self._count_restart(service, process.returncode)
            _say(f"Service {service} ended with code {process.returncode}; starting it again.")
            self._start_service(service)

    def _count_restart(self, service: str, code: int) -> None:
        now = time.monotonic()
        if len(self._restarts) == _MAX_RESTARTS and now - self._restarts[0] < _RESTART_WINDOW_SECONDS:
            raise EmbeddedAwsError(
                f"Service {service} keeps ending (last with exit code {code}); "
                f"its log is {self._installation.log_path(service)}."
            )
        self._restarts.append(now)

    def _end_services(self) -> None:
        """One after the other: SageMaker brings what it holds to S3 as it ends."""
        for service in reversed(SERVICES):
            if (process := self._processes.get(service)) is not None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def _variables(self) -> dict[str, str]:
        """What the services, and the Lambdas inside, see: nothing of the user's own AWS."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT_VARIABLES or name.startswith(_KEPT_PREFIXES)
        }
        ministack, sagemaker = (f"http://127.0.0.1:{self.running.ports[service]}" for service in SERVICES)
        return kept | {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": self._installation.secret(),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": ministack,
            "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker,
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": sagemaker,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def _say(text: str) -> None:
    """Write a line to the log; where its disk is full, the services matter more."""
    with suppress(OSError):
        os.write(1, f"{text}\n".encode())
