"""Containers of the algorithm with a handful of images."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[5]
MODULE = "embedded_aws.sagemaker.containers.image_classification"
SMALL = {
    "num_classes": "2",
    "num_training_samples": "16",
    "num_layers": "20",
    "image_shape": "3,28,28",
    "epochs": "1",
    "mini_batch_size": "8",
}


@dataclass(frozen=True)
class Trained:
    """How a container that trained has ended: its exit code and all that it wrote."""

    returncode: int
    output: str


@cache
def _warm() -> subprocess.Popen[str]:
    """The process that forks containers off, until the run ends."""
    command = [sys.executable, str(Path(__file__).with_name("warm.py"))]
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.communicate)  # it ends with its standard input
    return process


@dataclass(frozen=True)
class Job:
    """A container's folder, ready to train."""

    base: Path

    def channel(self, name: str) -> Path:
        path = self.base / "input" / "data" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def set(self, **hyperparameters: str) -> None:
        path = self.base / "input" / "config" / "hyperparameters.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(SMALL | hyperparameters))

    def train(self, seed: int | str = 0) -> Trained:
        """Run the container, in a process of its own as SageMaker does, until it ends."""
        output = self.base / "output.txt"
        warm = _warm()
        assert warm.stdin is not None
        assert warm.stdout is not None
        print(
            json.dumps({"base": str(self.base), "seed": str(seed), "output": str(output)}), file=warm.stdin, flush=True
        )
        return Trained(int(warm.stdout.readline()), output.read_text(encoding="utf-8"))

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()


def write_images(job: Job, split: str, count: int, size: int = 32) -> None:
    """Dark and bright noise, in turn: classes 0 and 1."""
    random = np.random.default_rng(7)
    lines = []
    for index in range(count):
        pixels = random.integers(0, 100, (size, size, 3)) + 150 * (index % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(job.channel(split) / f"{index}.png")
        lines.append(f"{index}\t{index % 2}\t{index}.png\n")
    (job.channel(f"{split}_lst") / f"{split}.lst").write_text("".join(lines))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(tmp_path)
    made.set()
    write_images(made, "train", 16)
    write_images(made, "validation", 8)
    return made


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A container that has trained until it tells dark from bright."""
    made = Job(tmp_path_factory.mktemp("trained"))
    made.set(epochs="20", learning_rate="0.01")
    write_images(made, "train", 16)
    write_images(made, "validation", 8)
    completed = made.train()
    assert completed.returncode == 0, completed.output
    return made
