"""What can be set about the embedded AWS, and what is said of what cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws import EmbeddedAwsError
from embedded_aws.settings import load_settings

ROOT = Path(__file__).parents[2]


def test_nothing_needs_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SCONES_STATE_DIR", "SCONES_CAPTURE_AGE_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings()
    assert (settings.state_dir, settings.capture_age_seconds) == (Path(".scones"), 5.0)


def test_variables_and_a_file_set_what_they_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCONES_CAPTURE_AGE_SECONDS", "0.5")
    (tmp_path / ".env").write_text("SCONES_STATE_DIR=elsewhere\nSCONES_CAPTURE_AGE_SECONDS=7\nSCONES_PROJECT=other\n")
    settings = load_settings()
    assert (settings.state_dir, settings.capture_age_seconds) == (Path("elsewhere"), 0.5)


@pytest.mark.parametrize("value", ["-1", "3601", "soon", "nan", ""])
def test_a_variable_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SCONES_CAPTURE_AGE_SECONDS", value)
    with pytest.raises(EmbeddedAwsError, match="SCONES_CAPTURE_AGE_SECONDS"):
        load_settings()


def test_the_command_says_which_setting_is_wrong_and_starts_nothing(tmp_path: Path) -> None:
    variables = os.environ | {"SCONES_STATE_DIR": str(tmp_path / "state"), "SCONES_CAPTURE_AGE_SECONDS": "soon"}
    command = [sys.executable, "-m", "embedded_aws"]
    ended = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: The settings cannot be used (SCONES_CAPTURE_AGE_SECONDS: ")
    assert not (tmp_path / "state").exists()
