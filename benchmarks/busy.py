"""A training job alone, and beside processes that compute without end at ordinary priority."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.training import TrainingOptions
from benchmarks.jobs import run_job, training_seconds
from benchmarks.place import say, staged

BURNING = 2  # processes
OPTIONS = TrainingOptions(num_layers=20, epochs=30)


def measure(archive: Path, options: TrainingOptions = OPTIONS) -> dict[str, Any]:
    """The figures by name; times in seconds."""
    with staged(archive) as (environment, dataset):
        alone = training_seconds(run_job(environment, dataset, options, 0, "alone"))
        say(f"alone: {alone:.1f} s")
        with _burning():
            beside = training_seconds(run_job(environment, dataset, options, 0, "beside"))
    return {
        "epochs": options.epochs,
        "burning_processes": BURNING,
        "alone_seconds": round(alone, 2),
        "busy_seconds": round(beside, 2),
        "busy_ratio": round(beside / alone, 3),
    }


@contextmanager
def _burning() -> Iterator[None]:
    """Each in a session of its own: Linux shares the time between sessions first, and then within them."""
    processes = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) for _ in range(BURNING)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
