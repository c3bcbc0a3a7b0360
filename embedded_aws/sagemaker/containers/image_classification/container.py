"""SageMaker's container contract: which files are where, and how a run ends.

Source: SageMaker developer guide, "How Amazon SageMaker Processes Training Output" and "Provides Training Information".
`SAGEMAKER_BASE_DIR` stands for `/opt/ml`, so that many containers can run beside each other.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path


class UserError(Exception):
    """When the hyperparameters or the data are wrong: the job's author can mend it."""


@dataclass(frozen=True)
class Container:
    """The folders of one container."""

    base: Path

    @classmethod
    def from_environment(cls) -> Container:
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    def hyperparameters(self) -> dict[str, str]:
        """The job's hyperparameters: every value is text."""
        path = self.base / "input" / "config" / "hyperparameters.json"
        content: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return content

    def channel(self, name: str) -> Path:
        """The folder of an input channel; raises UserError when the job has no such channel."""
        path = self.base / "input" / "data" / name
        if not path.is_dir():
            raise UserError(
                f"Channel {name} is missing. Give the channels train, validation, train_lst, validation_lst."
            )
        return path

    def channels(self) -> set[str]:
        """The names of all input channels."""
        return {path.name for path in (self.base / "input" / "data").glob("*") if path.is_dir()}

    @property
    def model(self) -> Path:
        path = self.base / "model"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def report_failure(self, reason: str) -> None:
        """Leave the reason where SageMaker takes a job's FailureReason from."""
        path = self.base / "output" / "failure"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(reason, encoding="utf-8")


def log_to_stdout() -> logging.Logger:
    """The built-in's line format: `[10/15/2024 12:37:35 INFO 140427410851648] message`, in UTC."""
    handler = logging.StreamHandler(sys.stdout)
    formatter = logging.Formatter("[%(asctime)s %(levelname)s %(thread)d] %(message)s", "%m/%d/%Y %H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log = logging.getLogger("image_classification")
    log.handlers, log.level, log.propagate = [handler], logging.INFO, False
    return log


class Stop(threading.Event):
    """Set when SageMaker asks the container to stop."""
