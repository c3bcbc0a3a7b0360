"""Where benchmarks run: an embedded AWS of their own, with an archive's bicycles and motorcycles staged."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backend import staging
from backend.aws.environment import Environment, open_environment
from backend.settings import Settings


@contextmanager
def staged(archive: Path, other: staging.OtherOptions | None = None) -> Iterator[tuple[Environment, staging.Dataset]]:
    """An environment that is gone afterwards, and the dataset in it; raises SconesError when it cannot be staged."""
    with tempfile.TemporaryDirectory(prefix="scones-benchmark-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-benchmark")
        with closing(open_environment(settings)) as environment:
            labels = ("bicycle", "motorcycle")
            yield environment, staging.stage_dataset(environment, staging.LocalArchive(archive), labels, other=other)


def say(text: str) -> None:
    """Tell a person how far it is; the figures go to standard output."""
    print(text, file=sys.stderr, flush=True)
