"""The splits of a dataset and its class `other`, counted on the archive's own arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from backend.errors import InvalidArchive
from backend.staging.apart import read_apart
from backend.staging.cifar import CifarBatch
from backend.staging.compose import Composition, compose
from backend.staging.labels import FINE_LABELS
from backend.staging.material import Material
from backend.staging.other_class import FOREIGN_IMAGES, OtherOptions, hold_out
from backend.staging.splits import draw_evenly
from backend.staging.transform import content_digest

KNOWN = ("bicycle", "motorcycle")
Pixels = set[bytes]


def batch(name: str, per_class: int, classes: Sequence[str] = FINE_LABELS) -> CifarBatch:
    """So many images of each class, in turns; no two have the same pixels."""
    fine = [FINE_LABELS.index(label) for _ in range(per_class) for label in classes]
    seed = {"train": 1, "test": 2}[name]
    images = np.random.default_rng(seed).integers(0, 256, (len(fine), 32, 32, 3), dtype=np.uint8)
    return CifarBatch(images, np.array(fine), tuple(f"{name}_{row}.png" for row in range(len(fine))))


@pytest.fixture(scope="module")
def whole() -> dict[str, CifarBatch]:
    """All 100 classes: 40 train and 20 test images of each."""
    return {"train": batch("train", 40), "test": batch("test", 20)}


@pytest.fixture(scope="module")
def composed(whole: dict[str, CifarBatch]) -> Composition:
    return compose(whole, KNOWN, OtherOptions(images=2.0, blank_share=0.1), None)


def sizes(composed: Composition) -> dict[str, list[int]]:
    """Images of each label, by split."""
    return {
        split: [sum(image.label_index == index for image in images) for index in range(len(composed.labels))]
        for split, images in composed.images.items()
    }


def pixels(composed: Composition, split: str) -> Pixels:
    return {image.pixels.tobytes() for image in composed.images[split]}


def pixels_of(read: CifarBatch, labels: Sequence[str]) -> Pixels:
    """Of all images of these classes in a batch."""
    fine = [FINE_LABELS.index(label) for label in labels]
    return {read.images[row].tobytes() for row in np.flatnonzero(np.isin(read.fine_labels, fine))}


def origins(composed: Composition, split: str) -> Counter[str]:
    """What the images of `other` are, as their names say."""
    return Counter(image.name.partition(".")[0] for image in composed.images[split] if image.label_index == 2)


def test_validation_is_15_percent_of_the_train_images_of_each_class(composed: Composition) -> None:
    known = {split: of_labels[:2] for split, of_labels in sizes(composed).items()}
    assert known == {"train": [34, 34], "validation": [6, 6], "test": [20, 20], "foreign": [0, 0]}


def test_train_and_validation_are_the_archives_train_images_of_the_known_classes(
    whole: dict[str, CifarBatch],
) -> None:
    composed = compose(whole, KNOWN, None, None)
    train, validation = pixels(composed, "train"), pixels(composed, "validation")
    assert train | validation == pixels_of(whole["train"], KNOWN)
    assert not train & validation
    assert pixels(composed, "test") == pixels_of(whole["test"], KNOWN)


def test_no_image_is_in_two_splits(composed: Composition) -> None:
    every = [image.pixels.tobytes() for images in composed.images.values() for image in images]
    assert len(every) == len(set(every))


def test_other_is_in_proportion_to_one_known_class_in_every_split(composed: Composition) -> None:
    assert [sizes(composed)[split][2] for split in ("train", "validation", "test")] == [68, 12, 40]


def test_other_is_drawn_evenly_from_the_classes_that_are_not_kept_out(composed: Composition) -> None:
    assert composed.other is not None
    for split in ("train", "validation", "test"):
        drawn = origins(composed, split)
        blanks = drawn.pop("blank")
        assert blanks == round(0.1 * sizes(composed)[split][2])
        assert set(drawn) <= set(composed.other.classes)
        assert set(drawn.values()) == {1}  # 79 classes for 61, 11 and 36 images


def test_with_more_images_than_classes_no_class_gives_two_more_than_another(whole: dict[str, CifarBatch]) -> None:
    composed = compose(whole, KNOWN, OtherOptions(images=10.0, blank_share=0.0), None)
    drawn = origins(composed, "train")
    assert drawn.total() == 340
    assert len(drawn) == 79
    assert max(drawn.values()) - min(drawn.values()) == 1


def test_an_image_of_other_has_the_pixels_of_the_class_in_its_name(
    whole: dict[str, CifarBatch], composed: Composition
) -> None:
    for split, name in (("train", "train"), ("validation", "train"), ("test", "test"), ("foreign", "test")):
        for image in composed.images[split]:
            origin = image.name.partition(".")[0]
            if image.label_index == 2 and origin != "blank":
                assert image.pixels.tobytes() in pixels_of(whole[name], [origin])


def test_a_fifth_of_the_other_classes_is_kept_out_whole(whole: dict[str, CifarBatch], composed: Composition) -> None:
    assert composed.other is not None
    assert len(composed.other.held_out) == 19
    assert {*composed.other.held_out, *composed.other.classes, *KNOWN} == set(FINE_LABELS)
    assert set(origins(composed, "foreign")) == set(composed.other.held_out)
    assert pixels(composed, "foreign") == pixels_of(whole["test"], composed.other.held_out)


def test_of_many_foreign_images_some_are_taken_evenly() -> None:
    read = {"train": batch("train", 2), "test": batch("test", 30)}
    drawn = origins(compose(read, KNOWN, OtherOptions(), None), "foreign")
    assert drawn.total() == FOREIGN_IMAGES == 500
    assert set(drawn.values()) == {26, 27}  # of 19 classes


@pytest.mark.parametrize(("count", "kept_out"), [(0, 0), (1, 0), (4, 0), (5, 1), (9, 1), (98, 19)])
def test_how_many_classes_are_kept_out(count: int, kept_out: int) -> None:
    classes = FINE_LABELS[:count]
    assert len(hold_out(classes)) == kept_out
    assert set(hold_out(classes)) <= set(classes)


def test_the_same_archive_gives_the_same_dataset(whole: dict[str, CifarBatch], composed: Composition) -> None:
    again = compose(whole, KNOWN, OtherOptions(images=2.0, blank_share=0.1), None)
    assert again.other == composed.other
    assert content_digest(again.labels, again.images) == content_digest(composed.labels, composed.images)


def test_another_version_finds_what_this_one_staged(whole: dict[str, CifarBatch]) -> None:
    composed = compose(whole, KNOWN, OtherOptions(images=2.0, blank_share=0.0), None)
    assert content_digest(composed.labels, composed.images) == "cb6710f10e05"


def test_the_images_stand_in_the_order_of_the_archive(composed: Composition) -> None:
    rows = [int(name.rpartition("_")[2]) for image in composed.images["train"] if "_" in (name := image.name[:-4])]
    assert rows == sorted(rows)


def test_an_archive_without_other_classes_is_staged_without_other() -> None:
    read = {"train": batch("train", 10, KNOWN), "test": batch("test", 2, KNOWN)}
    composed = compose(read, KNOWN, OtherOptions(), None)
    assert (composed.labels, composed.other) == (KNOWN, None)
    assert sizes(composed) == {"train": [8, 8], "validation": [2, 2], "test": [2, 2]}


def test_a_class_that_only_one_of_the_batches_has_is_no_other_class() -> None:
    read = {"train": batch("train", 10, (*KNOWN, "bus")), "test": batch("test", 2, (*KNOWN, "apple"))}
    assert compose(read, KNOWN, OtherOptions(), None).other is None


def test_one_train_image_of_a_class_does_not_suffice() -> None:
    read = {"train": batch("train", 1), "test": batch("test", 1)}
    with pytest.raises(InvalidArchive, match="no images of bicycle, motorcycle in one of its splits, or but one"):
        compose(read, KNOWN, None, None)


def test_of_two_train_images_one_is_for_validation() -> None:
    read = {"train": batch("train", 2), "test": batch("test", 1)}
    assert sizes(compose(read, KNOWN, None, None)) == {"train": [1, 1], "validation": [1, 1], "test": [1, 1]}


def material(count: int) -> Material:
    images = np.random.default_rng(3).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    jpegs = tuple(number % 4 == 0 for number in range(count))
    return Material("yard", images, tuple(f"material.{number}.png" for number in range(count)), jpegs, 7)


def test_half_of_what_is_not_blank_is_made_of_material_where_there_is_enough(whole: dict[str, CifarBatch]) -> None:
    composed = compose(whole, KNOWN, OtherOptions(images=2.0, blank_share=0.1), material(500))
    # 68, 12 and 40 images, of which 7, 1 and 4 are blank
    taken = {split: origins(composed, split)["material"] for split in ("train", "validation", "test")}
    assert taken == {"train": 30, "validation": 5, "test": 18}
    assert [sizes(composed)[split][2] for split in taken] == [68, 12, 40]
    assert not origins(composed, "foreign")["material"]


def test_little_material_is_dealt_out_in_proportion_and_none_of_it_twice(whole: dict[str, CifarBatch]) -> None:
    given = material(30)
    composed = compose(whole, KNOWN, OtherOptions(images=2.0, blank_share=0.1), given)
    used = [
        (split, image.pixels.tobytes())
        for split, images in composed.images.items()
        for image in images
        if image.name.startswith("material.")
    ]
    assert Counter(split for split, _ in used) == {"train": 17, "validation": 3, "test": 10}  # of 68, 12 and 40
    assert {content for _, content in used} == {image.tobytes() for image in given.pixels}


def test_the_description_counts_the_material_that_was_taken(whole: dict[str, CifarBatch]) -> None:
    composed = compose(whole, KNOWN, OtherOptions(), material(30))
    other = composed.other
    assert other is not None
    assert (other.material, other.material_images, other.material_left_out) == ("yard", 30, 7)
    assert other.material_jpegs == 8  # of 30, each fourth


def test_material_alone_makes_the_class_where_the_archive_has_no_other_classes() -> None:
    read = {"train": batch("train", 10, KNOWN), "test": batch("test", 4, KNOWN)}
    composed = compose(read, KNOWN, OtherOptions(images=1.0, blank_share=0.25), material(100))
    assert composed.labels == (*KNOWN, "other")
    assert {split: dict(origins(composed, split)) for split in composed.images} == {
        "train": {"material": 6, "blank": 2},
        "validation": {"material": 2},
        "test": {"material": 3, "blank": 1},
    }


@pytest.mark.parametrize(
    ("available", "wanted", "drawn"),
    [
        ({"a": 10, "b": 10}, 4, {"a": 2, "b": 2}),
        ({"a": 10, "b": 10, "c": 10}, 10, {"a": 3, "b": 3, "c": 4}),
        ({"a": 1, "b": 10, "c": 10}, 9, {"a": 1, "b": 4, "c": 4}),
        ({"a": 1, "b": 2}, 9, {"a": 1, "b": 2}),
        ({"a": 5}, 0, {"a": 0}),
        ({}, 5, {}),
    ],
)
def test_an_even_draw(available: dict[str, int], wanted: int, drawn: dict[str, int]) -> None:
    assert draw_evenly(available, wanted) == drawn


@pytest.mark.parametrize("labels", [KNOWN, ("bee", "camel", "wolf")])
def test_what_is_read_of_the_known_classes_alone_makes_the_same(real_others: Path, labels: tuple[str, ...]) -> None:
    of_all = compose(read_apart(real_others), labels, None, None)
    of_known = compose(read_apart(real_others, labels=labels), labels, None, None)
    assert content_digest(labels, of_known.images) == content_digest(labels, of_all.images)
    assert set(of_known.images) == {"train", "validation", "test"}


def test_what_an_archive_has_is_named_though_only_the_known_classes_are_read(real_others: Path) -> None:
    has = "bee, bicycle, camel, cattle, motorcycle, wolf"
    with pytest.raises(InvalidArchive, match=f"no images of apple in one .* it has {has}"):
        compose(read_apart(real_others, labels=("bee", "apple")), ("bee", "apple"), None, None)


def test_other_of_a_real_archive_is_drawn_from_its_four_other_classes(real_others: Path) -> None:
    composed = compose(read_apart(real_others), KNOWN, OtherOptions(images=2.0, blank_share=0.1), None)
    assert sizes(composed) == {"train": [425, 425, 850], "validation": [75, 75, 150], "test": [100, 100, 200]}
    assert origins(composed, "test") == {"bee": 45, "camel": 45, "cattle": 45, "wolf": 45, "blank": 20}
