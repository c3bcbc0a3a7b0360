"""One service as a process: `python -m embedded_aws.server NAME STATE_DIR PORT INSTANCE CAPTURE_AGE_SECONDS`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from embedded_aws import scopes
from embedded_aws.connections import PatientServer
from embedded_aws.guard import Guard
from embedded_aws.installation import ACCOUNT, REGION, Installation
from embedded_aws.lifeline import when_owner_ends
from embedded_aws.scopes import SignedFor

_LOG_BYTES = 5 << 20
_PREDECESSOR_SECONDS = 20.0
_STARTUP_FAILED = 3


def main(name: str, state_dir: Path, port: int, instance: str, capture_age_seconds: float) -> None:
    """Serve until SIGTERM or until the supervisor has gone, once a predecessor on the same folder has ended."""
    installation = Installation.open(state_dir)
    _log_to(installation.log_path(name))
    when_owner_ends(lambda: os.kill(os.getpid(), signal.SIGKILL))  # all is on disk, and the next start waits for us
    with installation.lock(name, patience=_PREDECESSOR_SECONDS):
        app, signed_for = _app(name, installation.folder / name, port, capture_age_seconds)
        server = PatientServer(
            Guard(app, installation.secret(), port, instance, signed_for),
            host="127.0.0.1",
            port=port,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
            backlog=1024,
        )
        server.run()
        if not server.started:
            sys.exit(_STARTUP_FAILED)


def _app(name: str, folder: Path, port: int, capture_age_seconds: float) -> tuple[Any, SignedFor]:
    """The service's ASGI app, imported only in the process that runs it, and what its requests are signed for."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if name == "ministack":
        from embedded_aws.ministack import create_app as create_ministack

        return create_ministack(folder, port), scopes.ministack()
    from embedded_aws.sagemaker.account import open_account
    from embedded_aws.sagemaker.app import create_app as create_sagemaker

    return create_sagemaker(open_account(folder, ACCOUNT, REGION, capture_age_seconds)), scopes.sagemaker


def _log_to(path: Path) -> None:
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.captureWarnings(capture=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4], float(sys.argv[5]))
