"""`python -m backend.local_aws`: the embedded AWS alone, for the AWS CLI, boto3 or a notebook."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path

from backend.errors import EmbeddedAwsError
from backend.local_aws.handle import ALREADY_RUNNING, LocalAws, is_healthy
from backend.local_aws.installation import ACCOUNT, Installation, Occupied, Running
from backend.local_aws.lifeline import when_owner_ends
from backend.local_aws.supervisor import Supervisor

_ENDING_SECONDS = 15.0
"""How long to wait for a supervisor on the same folder that is just ending: it saves its state first."""


def main() -> int:
    """Serve until Ctrl-C, SIGTERM or, when another process owns us, its end; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m backend.local_aws", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=Path(os.environ.get("SCONES_STATE_DIR", ".scones")))
    parser.add_argument("--owned", action="store_true", help="end when standard input does; print no variables")
    arguments = parser.parse_args()
    installation = Installation.open(arguments.state_dir)
    try:
        with installation.lock("supervisor", patience=_ENDING_SECONDS if arguments.owned else 0.0):
            _serve(installation, owned=arguments.owned)
    except Occupied:
        return _already_running(installation, owned=arguments.owned)
    except EmbeddedAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _serve(installation: Installation, *, owned: bool) -> None:
    supervisor = Supervisor(installation)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    if owned:
        when_owner_ends(supervisor.stop)
    else:
        _print_variables(installation, supervisor.running)
        print("# Serving until Ctrl-C.", flush=True)
    supervisor.run()


def _already_running(installation: Installation, *, owned: bool) -> int:
    running = installation.running()
    if owned or running is None or not is_healthy(running):
        return ALREADY_RUNNING
    print(f"# Already running on {installation.folder.parent}.")
    _print_variables(installation, running)
    return 0


def _print_variables(installation: Installation, running: Running) -> None:
    """As shell commands, for `eval`."""
    for name, value in LocalAws(ACCOUNT, ACCOUNT, installation.secret(), running, installation).variables().items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    sys.exit(main())
