"""The process that trains, with a way to end it early."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from embedded_aws.sagemaker.containers import process
from embedded_aws.sagemaker.training.folder import TrainingFolder

_SIGNAL_BASE = 128  # a container that a signal ended has this and the signal's number as its exit code


class TrainingContainer:
    """A training job's container. `run` belongs to one thread; `stop` may be called from any, at any time."""

    def __init__(self, folder: TrainingFolder, program: Sequence[str], variables: Mapping[str, str]) -> None:
        self._folder = folder
        self._program = program
        self._variables = variables
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self._kill = threading.Timer(0, self._signal, (signal.SIGKILL,))

    def run(self) -> int:
        """Train, and return the exit code; one that was stopped before is not started, and ended well."""
        with self._lock:
            if self._stopped:
                return 0
            self._process = self._start()
        try:
            code = self._process.wait()
        finally:
            self._kill.cancel()
        return code if code >= 0 else _SIGNAL_BASE - code

    def stop(self, patience: float) -> None:
        """Ask the container to finish, and end it when it has not after `patience` seconds."""
        with self._lock:
            self._stopped = True
            self._signal(signal.SIGTERM)
            self._kill.cancel()
            self._kill = threading.Timer(patience, self._signal, (signal.SIGKILL,))
            self._kill.daemon = True
            self._kill.start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._folder.log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603  our own module, with our own interpreter
                process.command(self._program, "train", self._folder.path),
                env=process.environment(self._folder.path, self._variables),
                cwd=self._folder.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            process.signal_group(self._process.pid, number)
