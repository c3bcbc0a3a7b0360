"""Projects beside each other on one embedded AWS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from backend.aws.environment import Environment


def of_project(environment: Environment, name: str, state_dir: Path | None = None) -> Environment:
    """Another project on the same embedded AWS, whose end it does not bring; `state_dir` has what it keeps locally."""
    changes = {"project": name} | ({"state_dir": state_dir} if state_dir else {})
    return replace(environment, settings=environment.settings.model_copy(update=changes), close=lambda: None)
