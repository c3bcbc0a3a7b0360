"""`make run`: the app on http://127.0.0.1:8501, with an embedded AWS that starts before it and ends after it.

Streamlit's own options can be added: `python -m backend.launch --server.port 8600`.
"""

from __future__ import annotations

import io
import signal
import sys
from contextlib import closing, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from streamlit.runtime.pages_manager import PagesManager
from streamlit.web import cli

from backend import jobs
from backend.environment import open_environment
from backend.errors import SconesError
from backend.settings import load_settings

_APP = Path(__file__).parents[1] / "streamlit_app.py"
_JOBS_SECONDS = 5.0  # to leave nothing half-done


def main(options: list[str]) -> int:
    """Serve the app until it is told to end by SIGINT or SIGTERM; returns the exit code."""
    sys.stdout, sys.stderr = _unheard(sys.stdout), _unheard(sys.stderr)
    signal.signal(signal.SIGTERM, _end)  # until Streamlit's own handler, which comes only once it serves
    try:
        environment = open_environment(load_settings())
    except SconesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with closing(environment):
        try:
            _serve(options)
        finally:
            jobs.cancel_all(_JOBS_SECONDS)
    return 0


class _Unheard(io.FileIO):
    """A pipe that may lose its reader, as in `make run | head`.

    Streamlit says "Stopping..." before it stops: an error in saying so would leave the app running.
    """

    def write(self, data: Any, /) -> int:
        with suppress(BrokenPipeError):
            return super().write(data)
        return len(data)


def _unheard(stream: TextIO) -> TextIO:
    """The same stream, for readers that come and go."""
    binary = io.BufferedWriter(_Unheard(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(binary, stream.encoding, stream.errors, line_buffering=True)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Leave by way of every `finally`."""
    sys.exit(0)


def _serve(options: list[str]) -> None:
    """Streamlit on the loopback address; returns after its signal handler has stopped it."""
    # Because a folder `pages` stands beside the script, Streamlit takes the app for one of its older page scheme until
    # the first st.navigation: a deep link that comes before it is answered with a "Page not found" dialog.
    PagesManager.uses_pages_directory = False
    cli.main(["run", str(_APP), "--server.address", "127.0.0.1", *options], standalone_mode=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
