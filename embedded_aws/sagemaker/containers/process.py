"""
"Containers": processes under SageMaker's container contract, which run the algorithm without Docker.

A container lives in a folder that stands for /opt/ml, with a scrubbed environment and its temporary files in that
folder. Start it in a session of its own (`start_new_session=True`): it leads a process group then, which is signalled
as a whole. It holds a lock on a file in its folder for as long as it lives, so that after a crash of the service the
next one knows which containers are left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from embedded_aws.sagemaker.containers import become

ALGORITHM = ("-m", "embedded_aws.sagemaker.containers.image_classification")
"""The program of every container: the one algorithm that there is."""
_REPOSITORY = Path(__file__).parents[3]
_LOCK = "container.pid"
_INHERITED = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"),
)


def command(program: Sequence[str], mode: Literal["train", "serve"], folder: Path) -> list[str]:
    """The command that runs a program in a folder, as a child of this process that ends with it."""
    launcher = [sys.executable, "-S", "-E", become.__file__, str(os.getpid()), str(folder / _LOCK)]
    return [*launcher, sys.executable, "-P", *program, mode]


def environment(folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The container's whole environment: what the request asked for, and nothing that leads to AWS."""
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    own = {
        "SAGEMAKER_BASE_DIR": str(folder),
        "TMPDIR": str(temporary),
        "PYTHONPATH": str(_REPOSITORY),
        "PYTHONUNBUFFERED": "1",  # log lines are wanted as they come
    }
    return {**inherited, **variables, **own}


def end_leftover(folder: Path) -> None:
    """End the container that an earlier service left in this folder, if one lives, and wait until it is gone."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), (folder / _LOCK).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            signal_group(int(file.read()), signal.SIGKILL)
            fcntl.flock(file, fcntl.LOCK_EX)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a container with all that it started; one that has ended is passed over."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says "not permitted" of a zombie
        os.killpg(pid, number)
