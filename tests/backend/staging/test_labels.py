"""The names of CIFAR-100's classes and their groups."""

from __future__ import annotations

import pickle
import tarfile
from pathlib import Path

from backend.staging.labels import COARSE_LABELS, FINE_LABELS, GROUP_OF, GROUPS, OTHER

# The coarse label of each fine one, in the order of the fine names: as github.com/ryanchankh/cifar100coarse has read it
# out of the original's train batch.
COARSE_OF_FINE = """
    4 1 14 8 0 6 7 7 18 3 3 14 9 18 7 11 3 9 7 11 6 11 5 10 7 6 13 15 3 15 0 11 1 10 12 14 16 9 11 5 5 19 8 8 15 13 14
    17 18 10 16 4 17 4 2 0 17 4 18 17 10 3 2 12 12 16 12 1 9 19 2 10 0 1 16 12 9 13 15 13 16 19 2 4 6 19 5 5 8 19 18 1
    2 15 6 0 17 8 14 13
"""


def test_every_class_is_in_the_group_that_the_original_gives_it() -> None:
    assert [COARSE_LABELS.index(GROUP_OF[label]) for label in FINE_LABELS] == [int(x) for x in COARSE_OF_FINE.split()]


def test_each_of_twenty_groups_has_five_classes() -> None:
    assert len(GROUPS) == 20
    assert {len(labels) for labels in GROUPS.values()} == {5}


def test_the_real_archive_groups_its_images_so(real_archive: Path) -> None:
    with tarfile.open(real_archive) as archive:
        meta, train = (
            pickle.load(archive.extractfile(f"cifar-100-python/{name}"), encoding="latin1")  # type: ignore[arg-type]  # noqa: S301  the project's own data
            for name in ("meta", "train")
        )
    assert tuple(meta["coarse_label_names"]) == COARSE_LABELS
    for fine, coarse in zip(train["fine_labels"], train["coarse_labels"], strict=True):
        assert GROUP_OF[meta["fine_label_names"][fine]] == meta["coarse_label_names"][coarse]


def test_no_class_is_called_as_the_one_for_what_is_none_of_them() -> None:
    assert OTHER not in FINE_LABELS
