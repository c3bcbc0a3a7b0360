"""A window is what was captured, joined to what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from backend import ground_truth, monitoring, quality
from backend.aws.environment import Environment
from backend.ground_truth import GroundTruth
from backend.monitoring import Selection
from backend.quality.window import NO_CLASS, UNKNOWN
from tests.backend.quality.windows import BEGIN, LABELS
from tests.capture_lines import capture_line

EVER = Selection(BEGIN, BEGIN + timedelta(days=1))
ANSWERS = ((0.7, 0.2, 0.1), (0.1, 0.8, 0.1), (0.2, 0.2, 0.6), (0.5, 0.4, 0.1))


def put(project: Environment, answers: Sequence[Sequence[float]], variant: str = "AllTraffic") -> None:
    """Capture answers, one a second, with inference ids `record-0` and so on, and read them."""
    lines = []
    for number, answer in enumerate(answers):
        time = f"{BEGIN + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"
        lines.append(capture_line(answer, time, eventMetadata__inferenceId=f"record-{number}"))
    key = f"data_capture/{project.names.endpoint}/{variant}/2026/01/02/03/00-00-000-a.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(lines))
    monitoring.refresh_captures(project, entirely=True)


def read(project: Environment, selection: Selection = EVER, labels: Sequence[str] = LABELS) -> quality.Window:
    found = quality.read_window(project, monitoring.project_source(project), selection, labels, GroundTruth())
    assert found is not None
    return found


def test_records_are_joined_to_what_is_known_of_them(project: Environment) -> None:
    put(project, ANSWERS)
    ground_truth.write_labels(project, "traffic-1-00000", BEGIN, {"record-0": "bicycle", "record-2": "cat"})
    ground_truth.write_labels(project, "review-1-00001", BEGIN, {"record-1": "bicycle", "record-2": "other"})
    window = read(project)
    assert window.class_index.tolist() == [0, 1, 2, 0]
    assert window.confidence.tolist() == pytest.approx([0.7, 0.8, 0.6, 0.5])
    assert window.probabilities is not None
    assert window.probabilities == pytest.approx(np.array(ANSWERS))
    assert window.truth.tolist() == [0, 0, NO_CLASS, UNKNOWN], "what was sent counts before what a reviewer saw"
    assert window.is_chosen.tolist() == [False, True, False, False]
    assert window.is_known.tolist() == [True, True, True, False]
    assert window.is_right.tolist() == [True, False, False, False]
    assert len(set(window.content.tolist())) == 1, "all sent one picture"
    assert window.streams == ((project.names.endpoint, "AllTraffic"),)
    assert window.first_at == BEGIN


def test_a_window_is_of_its_time_and_its_variant(project: Environment) -> None:
    put(project, ANSWERS)
    put(project, ANSWERS[:2], "challenger")
    assert len(read(project)) == 6
    assert read(project, replace(EVER, variant="challenger")).class_index.tolist() == [0, 1]
    later = read(project, replace(EVER, start=BEGIN + timedelta(seconds=2), variant="AllTraffic"))
    assert later.class_index.tolist() == [2, 0]
    nothing = read(project, replace(EVER, start=BEGIN + timedelta(hours=1)))
    assert (len(nothing), nothing.first_at, nothing.streams) == (0, None, ())


def test_answers_of_other_classes_than_are_named_have_no_probabilities(project: Environment) -> None:
    put(project, ANSWERS)
    assert read(project, labels=("bicycle", "motorcycle")).probabilities is None


def test_of_too_many_records_there_is_no_window(project: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    put(project, ANSWERS)
    for most, is_there in ((4, True), (3, False)):
        monkeypatch.setattr("backend.quality.window.MOST_RECORDS", most)
        source = monitoring.project_source(project)
        assert (quality.read_window(project, source, EVER, LABELS, GroundTruth()) is not None) == is_there
