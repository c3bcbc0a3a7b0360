"""A container under SageMaker's contract that does, in a tenth of a second, what its hyperparameters say.

lines: what to print, separated by |; model, output: files to write, by name, as JSON; wait: `politely` until SIGTERM,
or `stubbornly` through it; failure: the text to leave; exit: the code to end with, or `killed`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path


def main() -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    script = json.loads((base / "input" / "config" / "hyperparameters.json").read_text())
    print("\n".join(script.get("lines", "started").split("|")), flush=True)
    print(json.dumps(surroundings(base)), flush=True)
    write(base / "model", script.get("model", "{}"))
    write(base / "output" / "data", script.get("output", "{}"))
    wait(script.get("wait", ""))
    if "failure" in script:
        (base / "output" / "failure").write_text(script["failure"])
    if script.get("exit") == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return int(script.get("exit", 0))


def surroundings(base: Path) -> dict[str, object]:
    """What a container finds."""
    files = sorted(str(path.relative_to(base)) for path in (base / "input").rglob("*") if path.is_file())
    return {"variables": dict(os.environ), "niceness": os.nice(0), "files": files}


def write(folder: Path, files: str) -> None:
    for name, content in json.loads(files).items():
        (folder / name).write_text(content)


def wait(manner: str) -> None:
    while manner:
        signal.sigwait({signal.SIGTERM})
        if manner == "politely":
            return


if __name__ == "__main__":
    sys.exit(main())
