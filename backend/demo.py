"""`make demo`: the whole pipeline without a browser, in a state folder of its own that is deleted at the end."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from backend import staging
from backend.aws.environment import open_environment
from backend.errors import SconesError
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings

_SECONDS_BETWEEN_COUNTS = 2.0


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; returns the exit code: 0 when every step did what it should, 1 when one could not."""
    parser = argparse.ArgumentParser(prog="python -m backend.demo", description=__doc__)
    parser.add_argument("--archive", type=Path, help="a CIFAR-100 archive (python version); without it, a drawn sample")
    parser.add_argument(
        "--labels", type=_labels, default=PipelineOptions.labels, help="classes to tell apart, with commas between"
    )
    parser.add_argument("--no-other", action="store_true", help="stage no class for images of anything else")
    parser.add_argument("--json", type=Path, help="a file to write the figures to")
    chosen = parser.parse_args(arguments)
    source = staging.LocalArchive(chosen.archive) if chosen.archive else staging.OfflineSample()
    other = None if chosen.no_other else staging.OtherOptions()
    try:
        figures = _run(PipelineOptions(source, chosen.labels, other))
    except SconesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    text = json.dumps(figures, indent=2)
    if chosen.json:
        chosen.json.write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _run(options: PipelineOptions) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="scones-demo-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-demo")
        with closing(open_environment(settings)) as environment:
            return run_pipeline(environment, options, _Printer())


def _labels(text: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in text.split(","))


class _Printer:
    """Prints what a step says: new sentences at once, and the same with another count every two seconds."""

    def __init__(self) -> None:
        self._last = self._last_sentence = ""
        self._printed_at = 0.0

    def __call__(self, _fraction: float, message: str) -> None:
        sentence = re.sub(r"\d[\d,]*", "#", message)
        counts_on = sentence == self._last_sentence and time.monotonic() - self._printed_at < _SECONDS_BETWEEN_COUNTS
        if message == self._last or counts_on:
            return
        print(message, flush=True)
        self._last, self._last_sentence, self._printed_at = message, sentence, time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
