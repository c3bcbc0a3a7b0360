"""Containers of the algorithm with a handful of images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
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

    def train(self, seed: int | str = 0) -> subprocess.CompletedProcess[str]:
        """Run the container as SageMaker does."""
        variables = os.environ | {"SAGEMAKER_BASE_DIR": str(self.base), "SEED": str(seed)}
        command = [sys.executable, "-m", MODULE, "train"]
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)

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
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return made
