"""Projects beside each other on one embedded AWS."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from backend import workflow
from backend.aws.environment import Environment
from backend.pipeline.captures import wait_for_captures
from backend.workflow.inference_ids import inference_id

_numbers = itertools.count(1)


def of_project(environment: Environment, name: str, state_dir: Path | None = None) -> Environment:
    """Another project on the same embedded AWS, whose end it does not bring; `state_dir` has what it keeps locally."""
    changes = {"project": name} | ({"state_dir": state_dir} if state_dir else {})
    return replace(environment, settings=environment.settings.model_copy(update=changes), close=lambda: None)


def empty_project(environment: Environment, name: str, state_dir: Path) -> Environment:
    """A project that nobody had before, with a bucket in which nothing is yet; `name` begins its name."""
    own = of_project(environment, f"{name}-{next(_numbers)}", state_dir)
    own.s3.create_bucket(Bucket=own.bucket)
    return own


def await_captured(project: Environment) -> None:
    """Wait until all that the endpoint answered in the workflow is captured and read."""
    judged = [execution.name for execution in workflow.list_executions(project) if execution.verdict is not None]
    wait_for_captures(project, [inference_id(name) for name in judged])
