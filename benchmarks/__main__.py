"""`python -m benchmarks NAME`: measure, and print the figures as one JSON object, last."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from backend.errors import SconesError

NAMES = ("training", "endpoint", "kills")
_ARCHIVE = Path(__file__).parents[2] / "shared" / "data" / "cifar-100-bikes.tar.gz"


def main() -> int:
    """Run one benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("rounds", type=int, nargs="?", default=100, help="of kills")
    parser.add_argument("--archive", type=Path, default=_ARCHIVE, help="a CIFAR-100 archive (python version)")
    chosen = parser.parse_args()
    if chosen.name != "kills" and not chosen.archive.exists():
        parser.error(f"there is no archive {chosen.archive}: name one with --archive")
    try:
        module = importlib.import_module(f"benchmarks.{chosen.name}")
        figures = module.measure(chosen.rounds if chosen.name == "kills" else chosen.archive)
    except SconesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"benchmark": chosen.name} | figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
