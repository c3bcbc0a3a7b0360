"""The app as its users have it: served by Streamlit, on a state folder of its own."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

import benchmarks.serving
from benchmarks.serving import address_of, settings_for

PROJECT = "scones-browser"
START_SECONDS = 60
STOP_SECONDS = 30


@dataclass
class Server:
    """The app's process and where it serves."""

    process: subprocess.Popen[str]
    url: str

    def stop(self) -> int:
        """Tell it to end, as `kill` does; returns the exit code: minus the signal, by which it ends in the end."""
        with self.process:  # closes its output
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise

    def kill_all(self) -> list[str]:
        """End every process of the app by SIGKILL, at once; returns their command lines."""
        with self.process:
            launcher = psutil.Process(self.process.pid)
            processes = [launcher, *launcher.children(recursive=True)]
            commands = [" ".join(process.cmdline()) for process in processes]
            for process in processes:
                process.kill()
            psutil.wait_procs(processes, STOP_SECONDS)
        return commands


def serve(state_dir: Path) -> Server:
    """Start the app with an embedded AWS on this folder, on a free port."""
    process = launch(state_dir)
    url = address_of(process)
    requests.get(f"{url}/_stcore/health", timeout=START_SECONDS).raise_for_status()  # answered once everything is there
    return Server(process, url)


def launch(state_dir: Path) -> subprocess.Popen[str]:
    """The app's process, at once: it does not serve yet."""
    return benchmarks.serving.launch(settings_for(state_dir, PROJECT))
