"""What a function takes, measured in a process of its own."""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAX_MEGABYTES = 300
MAX_SECONDS = 5
_PROGRAM = """
import sys, types
tests = types.ModuleType("tests")  # one of our dependencies installs a package of this name
tests.__path__ = [sys.argv[1]]
sys.modules["tests"] = tests
from tests.bombs.measure import main
main(*sys.argv[2:])
"""
_GUARD_SECONDS = 60  # a bomb that goes off ends here


@dataclass(frozen=True)
class Taken:
    """What a function returned, and what it took."""

    answer: str
    megabytes: float
    seconds: float

    @property
    def is_little(self) -> bool:
        return self.megabytes < MAX_MEGABYTES and self.seconds < MAX_SECONDS


def measure(module: str, function: str, argument: Path | str, seconds: int = _GUARD_SECONDS) -> Taken:
    """Call `module.function(argument)`, which returns text, in a process of its own, for so many seconds of CPU."""
    command = [sys.executable, "-c", _PROGRAM, str(ROOT / "tests"), str(seconds), module, function, str(argument)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=5 * seconds, check=False)
    assert done.returncode == 0, f"{argument} went off: {done.returncode}\n{done.stderr[-2000:]}"
    return Taken(**json.loads(done.stdout.splitlines()[-1]))


def main(limit: str, module: str, function: str, argument: str) -> None:
    """Print as JSON what the function returned, the megabytes above what the process had before, and seconds of CPU."""
    called = getattr(importlib.import_module(module), function)
    resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit)))
    before, started = _megabytes("VmRSS"), time.process_time()
    answer = called(argument)
    seconds = time.process_time() - started
    print(json.dumps({"answer": answer, "megabytes": _megabytes("VmHWM") - before, "seconds": seconds}))


def _megabytes(name: str) -> float:
    """This process's memory now (VmRSS) or at its most (VmHWM); without /proc the second stands for both."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # macOS counts in bytes
    [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(kilobytes) / 1024
