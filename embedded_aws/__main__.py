"""`python -m embedded_aws`: the embedded AWS alone, for the AWS CLI, boto3 or a notebook."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
from pathlib import Path

from embedded_aws.errors import EmbeddedAwsError
from embedded_aws.handle import ALREADY_RUNNING, EmbeddedAws, is_healthy
from embedded_aws.installation import ACCOUNT, SERVICES, Installation, Occupied, Running
from embedded_aws.lifeline import when_owner_ends
from embedded_aws.settings import load_settings
from embedded_aws.supervisor import Supervisor

_ENDING_SECONDS = 15.0
"""How long to wait for a supervisor on the same folder that is just ending: it saves its state first."""
_LOOK_SECONDS = 0.5
"""The same when there is nobody to wait for us: others take the lock for a moment, to see whether it is free."""
_ORPHAN_SECONDS = 2.0
"""How long the services of a supervisor that was killed have to end; then they are killed, which costs nothing."""


def main() -> int:
    """Serve until Ctrl-C, SIGTERM or, when another process owns us, its end; returns the exit code."""
    try:
        settings = load_settings()
        arguments = _arguments(settings.state_dir)
        return _run(Installation.open(arguments.state_dir), settings.capture_age_seconds, owned=arguments.owned)
    except EmbeddedAwsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = error.filename or "the state folder"
        print(f"error: {where} cannot be used: {error.strerror or error}. Mend that and start again.", file=sys.stderr)
        return 1


def _arguments(state_dir: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m embedded_aws", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=state_dir)
    parser.add_argument("--owned", action="store_true", help="end when standard input does; print no variables")
    return parser.parse_args()


def _run(installation: Installation, capture_age_seconds: float, *, owned: bool) -> int:
    try:
        with installation.lock("supervisor", patience=_ENDING_SECONDS if owned else _LOOK_SECONDS):
            for service in SERVICES:  # their ports are free then, and clients find the next services at the same ones
                installation.end_predecessor(service, _ORPHAN_SECONDS)
            _serve(installation, Supervisor(installation, capture_age_seconds), owned=owned)
    except Occupied:
        return _already_running(installation, owned=owned)
    return 0


def _serve(installation: Installation, supervisor: Supervisor, *, owned: bool) -> None:
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
    for name, value in EmbeddedAws(ACCOUNT, ACCOUNT, installation.secret(), running, installation).variables().items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    sys.exit(main())
