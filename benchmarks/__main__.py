"""`python -m benchmarks NAME`: measure, and print the figures as one JSON object, last."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from backend.errors import SconesError

NAMES = (
    "staging",
    "training",
    "foreign",
    "drift",
    "accuracy",
    "endpoint",
    "kills",
    "capture",
    "charts",
    "workflow",
    "throttled",
    "histories",
    "app_share",
)
DEFAULTS = {
    "kills": (100,),
    "capture": (100_000, 5_000, 1_000_000),
    "charts": (1_000_000, 10_000_000, 100_000_000),
    "workflow": (1_000,),
    "throttled": (200,),
    "app_share": (20,),
    "histories": (5_000,),
}
"""Sizes of those that take some; the others take an archive."""
_SIZES = (
    "of kills: rounds; of capture: records, the files that they are in, and records at scale; of charts: records; "
    "of workflow and throttled: images; of histories: executions; of app_share: "
    "submissions"
)
_DATA = Path(__file__).parents[2] / "shared" / "data"
_WITH_IMAGES = ("foreign", "drift", "accuracy")
_ARCHIVES = dict.fromkeys((*_WITH_IMAGES, "training"), _DATA / "cifar-100-bikes-and-others.tar.gz")
_ARCHIVE = _DATA / "cifar-100-bikes.tar.gz"


def main() -> int:
    """Run one benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("sizes", type=int, nargs="*", help=_SIZES)
    parser.add_argument("--archive", type=Path, help="a CIFAR-100 archive (python version)")
    parser.add_argument(
        "--images",
        type=Path,
        default=_DATA / "other-images",
        help="of foreign, drift and accuracy: a folder of pictures of other things",
    )
    parser.add_argument("--busy", action="store_true", help="of training: alone, and beside two busy processes")
    chosen = parser.parse_args()
    defaults = DEFAULTS.get(chosen.name)
    archive = chosen.archive or _ARCHIVES.get(chosen.name, _ARCHIVE)
    if defaults is None and not archive.exists():
        parser.error(f"there is no archive {archive}: name one with --archive")
    if chosen.busy and chosen.name != "training":
        parser.error("--busy is for training")
    if chosen.sizes and len(chosen.sizes) != len(defaults or ()):
        parser.error(f"{chosen.name} takes {len(defaults or ())} sizes, or none")
    try:
        module = importlib.import_module("benchmarks.busy" if chosen.busy else f"benchmarks.{chosen.name}")
        given = (archive, chosen.images) if chosen.name in _WITH_IMAGES else (archive,)
        figures = module.measure(*(chosen.sizes or defaults or given))
    except SconesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"benchmark": chosen.name} | figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
