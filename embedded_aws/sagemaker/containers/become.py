"""
Become a container: `python become.py <pid of the service> <lock file> <program> <argument>...`.

Run as a script of its own, so that nothing of this project is imported first. It ties the process to the life of the
service, marks it as alive, and becomes the program. On Linux the kernel then ends the program with the service, however
that ends; elsewhere a container that outlived its service is ended when the service starts again.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    service, lock_file, *program = sys.argv[1:]
    _die_with(int(service))
    _mark_alive(lock_file)
    os.execv(program[0], program)  # noqa: S606  the service chose the program


def _die_with(service: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != service:  # it ended before this process was tied to it
        sys.exit("the service has ended")


def _mark_alive(lock_file: str) -> None:
    """Lock the file, with this process's id in it, until the program ends: a lock goes over to the program."""
    descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, str(os.getpid()).encode())
    os.set_inheritable(descriptor, True)


if __name__ == "__main__":
    main()
