"""What was labelled becomes a part of the next training set, as it was captured."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
from PIL import Image

from backend import foundation, review, staging
from backend.aws.environment import Environment
from backend.review import Desk, Kind
from tests.backend.review.captured import line, make_queue, picture, put
from tests.projects import of_project


def test_labelled_pictures_are_learned_from_and_the_dataset_says_so(environment: Environment) -> None:
    project = of_project(environment, "review-taught")
    foundation.deploy_foundation(project)
    tested: dict[str, Any] = {"eventMetadata__customAttributes": ["datasets/any/test/one.png"]}
    put(project, [line(0, 0.5), line(1, 0.6), line(2, 0.7, **tested), line(3, 0.8)])
    desk = Desk(project, make_queue(project, Kind.UNCERTAIN), "Ada")
    for number, label in enumerate(("bicycle", "other", "motorcycle"), start=1):
        desk.label(number, label)
    assert review.count_known(project) == {"bicycle": 1, "other": 1, "motorcycle": 1}

    sample = staging.OfflineSample(4, 2)
    without = staging.stage_dataset(project, sample)
    dataset = staging.stage_dataset(project, sample, reviewed=lambda: review.read_known(project))
    assert dataset.dataset_id != without.dataset_id
    assert {split: dataset.size(split) - without.size(split) for split in dataset.splits} == {
        "train": 2,
        "validation": 0,
        "test": 0,
        "foreign": 0,
    }
    described = json.loads(_read(project, f"{dataset.prefix}dataset.json"))["reviewed"]
    assert described["counts"] == {"bicycle": 1, "other": 1}
    assert sum(described["left_out"].values()) == 1
    learned = _read(project, f"{dataset.prefix}train/reviewed.record-0.png")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(learned))), np.asarray(Image.open(io.BytesIO(picture(0)))))
    lines = _read(project, f"{dataset.prefix}train.lst").decode().splitlines()
    assert [text.split("\t")[1] for text in lines if "reviewed." in text] == ["0", "2"]

    again = staging.stage_dataset(project, sample, reviewed=lambda: review.read_known(project))
    assert again.dataset_id == dataset.dataset_id
    assert staging.stage_dataset(project, sample).dataset_id == without.dataset_id


def test_of_two_labels_of_a_record_the_later_is_learned(project: Environment) -> None:
    put(project, [line(0, 0.5)])
    for name, label in (("Ada", "bicycle"), ("Ben", "motorcycle")):
        Desk(project, make_queue(project, Kind.UNCERTAIN), name).label(1, label)
    [known] = review.read_known(project)
    assert (known.name, known.label, known.content) == ("record-0", "motorcycle", picture(0))


def _read(project: Environment, key: str) -> bytes:
    return project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()
