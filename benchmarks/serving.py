"""The app as its users have it: served by Streamlit, on a state folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from backend.errors import ConfigurationError

ROOT = Path(__file__).parents[1]


def launch(settings: Mapping[str, str]) -> subprocess.Popen[str]:
    """The app's process with these variables set, on a free port, at once: it does not serve yet."""
    return subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", "0"],
        cwd=ROOT,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def settings_for(state_dir: Path, project: str) -> dict[str, str]:
    """The variables by which an app has an embedded AWS on this folder."""
    return {"SCONES_ENVIRONMENT": "embedded", "SCONES_STATE_DIR": str(state_dir), "SCONES_PROJECT": project}


def address_of(app: subprocess.Popen[str]) -> str:
    """The address that the app prints; raises ConfigurationError with what it printed where it ends instead."""
    printed = []
    for line in app.stdout or ():
        printed.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise ConfigurationError(f"The app ended with {app.wait()}: {''.join(printed)}")
