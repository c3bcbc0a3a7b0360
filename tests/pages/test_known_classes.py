"""The pages with any number of classes, and with a class for what is of none of them.

Each project has a dataset whose images say themselves what the endpoint answers to them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from backend import cleanup, foundation, monitoring, workflow
from backend.aws.environment import Environment
from pages.monitoring.distributions import of_bar
from pages.monitoring.shown import Shown
from pages.shared import JobName
from pages.shared.captured.view import View
from tests.capture_lines import capture_line
from tests.machine import THRESHOLD, Machine, answer, picture, two_at_once
from tests.pages import cloud
from tests.pages.monitored import HISTOGRAM, OVER_TIME, counts, figures, wall
from tests.pages.visits import Visit, click, errors, finish, metrics, table, texts
from tests.projects import of_project

pytestmark = pytest.mark.system

KNOWN = ("bicycle", "motorcycle")
FIVE = ("bicycle", "bus", "motorcycle", "pickup_truck", "train")
LABELS = {"two": KNOWN, "two-and-other": (*KNOWN, "other"), "five": FIVE, "five-and-other": (*FIVE, "other")}
WITH_OTHER = ["two-and-other", "five-and-other"]
SURE, UNSURE = 0.95, 0.8
FIRST = datetime(2026, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Taught:
    """A project, its labels, and of each image what it is and what the endpoint answers: a label and a confidence."""

    project: Environment
    labels: tuple[str, ...]
    images: dict[str, tuple[str, str, float]]

    @property
    def others(self) -> list[str]:
        """The keys of images of no known class."""
        return [key for key, (label, *_) in self.images.items() if label == "other"]

    def ended(self, key: str) -> tuple[str, str, str, str]:
        """How its execution must end: outcome, predicted and true class, and whether that is right."""
        label, predicted, confidence = self.images[key]
        if predicted == "other":
            return "not a known class", predicted, label, "right" if label == "other" else "wrong"
        if confidence < THRESHOLD:
            return "rejected", predicted, label, "not decided"
        return "passed", predicted, label, "right" if label == predicted else "wrong"


def images_of(labels: tuple[str, ...]) -> dict[str, list[tuple[str, str, str, float]]]:
    """By split: each image's name, what it is, and the answer."""
    test = []
    for index, label in enumerate(labels):
        stem = "pine_tree" if label == "other" else label
        test += [(f"{stem}.{SURE}.png", label, label, SURE), (f"{stem}.{UNSURE}.png", label, label, UNSURE)]
        test.append((f"{stem}.wrong.png", label, labels[index - 1], SURE))
    if "other" not in labels:
        return {"train": test, "test": test}
    foreign = [("maple_tree.1.png", "other", "other", SURE), ("willow_tree.2.png", "other", labels[0], SURE)]
    return {"train": test, "validation": test, "test": test, "foreign": foreign}


def stage(project: Environment, labels: tuple[str, ...]) -> dict[str, tuple[str, str, float]]:
    """A dataset as staging writes it."""
    splits, prefix = images_of(labels), "datasets/taught/"
    other = {"classes": ["pine_tree"], "held_out": ["maple_tree", "willow_tree"], "blank_share": 0.0}
    description = {
        "dataset_id": "taught",
        "source": "drawn by a test",
        "synthetic": True,
        "labels": labels,
        "counts": {split: Counter(label for _, label, *_ in images) for split, images in splits.items()},
        "bucket": project.bucket,
        "prefix": prefix,
        "staged_at": FIRST.isoformat(),
        "other": other if "other" in labels else None,
    }
    written: dict[str, Any] = {"datasets/current.json": {"dataset_id": "taught"}, f"{prefix}dataset.json": description}
    files = {key: json.dumps(content).encode() for key, content in written.items()}
    answers = {}
    for split, images in splits.items():
        lines = [f"{row}\t{labels.index(label)}\t{name}\n" for row, (name, label, *_) in enumerate(images)]
        files[f"{prefix}{split}.lst"] = "".join(lines).encode()
        for name, label, predicted, confidence in images:
            key = f"{prefix}{split}/{name}"
            files[key] = picture(answer(len(labels), labels.index(predicted), confidence))
            if split in ("test", "foreign"):
                answers[key] = (label, predicted, confidence)
    for key, content in files.items():
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=content)
    return answers


def capture(project: Environment, labels: tuple[str, ...]) -> list[tuple[int, float]]:
    """Records of an hour in a capture file of the project's endpoint: class and confidence of each, in order."""
    generator = np.random.default_rng(len(labels))
    records = [
        (int(index), float(confidence))
        for index, confidence in zip(
            generator.integers(0, len(labels), 90), generator.choice([0.7, 0.899, 0.9, 0.95, 1.0], 90), strict=True
        )
    ]
    lines = [
        capture_line(
            answer(len(labels), index, confidence),
            f"{FIRST + timedelta(seconds=30 * number):%Y-%m-%dT%H:%M:%SZ}",
            captureData__endpointInput=None,
            eventMetadata__inferenceId=f"record-{number}",
        )
        for number, (index, confidence) in enumerate(records)
    ]
    key = f"data_capture/{project.names.endpoint}/AllTraffic/2026/03/04/05/00-00-000-a.jsonl"
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"".join(lines))
    monitoring.refresh_captures(project, entirely=True)
    return records


@pytest.fixture(scope="module")
def make(environment: Environment) -> Iterator[Callable[[str], Taught]]:
    """The project of these classes, made once: all its images went through the workflow."""
    made: dict[str, Taught] = {}

    def of_name(name: str) -> Taught:
        if name not in made:
            project = of_project(environment, f"scones-{name}")
            foundation.deploy_foundation(project)
            made[name] = Taught(project, LABELS[name], stage(project, LABELS[name]))
            Machine(project, LABELS[name])
            with two_at_once():
                workflow.run_batch(project, list(made[name].images))
        return made[name]

    yield of_name
    for taught in made.values():
        cleanup.delete_resources(taught.project, cleanup.list_resources(taught.project))


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name == "five" else ()) for name in LABELS])
def taught(make: Callable[[str], Taught], request: pytest.FixtureRequest) -> Taught:
    return make(request.param)


@pytest.fixture(params=WITH_OTHER)
def with_other(make: Callable[[str], Taught], request: pytest.FixtureRequest) -> Taught:
    return make(request.param)


def submitted(taught: Taught) -> dict[str, str]:
    """The key of each execution's image, by the execution's name."""
    names = sorted(cloud.execution_arns(taught.project))
    return dict(zip(names, cloud.submitted_keys(taught.project, set(names)), strict=True))


def test_each_image_is_listed_with_how_it_ended_and_whether_that_is_right(visit: Visit, taught: Taught) -> None:
    shown = table(visit(taught.project, "test_images"), "Execution")
    rows = zip(*(shown[column] for column in ("Outcome", "Predicted", "True class", "Judged")), strict=True)
    expected = {name: taught.ended(key) for name, key in submitted(taught).items()}
    assert dict(zip(shown["Execution"], rows, strict=True)) == expected
    assert {"right", "wrong", "not decided"} == set(shown["Judged"])


def test_outcomes_are_counted_apart(visit: Visit, taught: Taught) -> None:
    expected = Counter(taught.ended(key)[0] for key in submitted(taught).values())
    assert ("not a known class" in expected) == ("other" in taught.labels)
    app = visit(taught.project, "test_images")
    offered = app.button_group(key="test_images.outcome").options
    assert sorted(offered) == sorted(f"{outcome} ({count})" for outcome, count in expected.items())
    shown = texts(visit(taught.project, "overview"))
    assert all(f"{count} {outcome}" in shown for outcome, count in expected.items())


def test_an_image_of_no_known_class_that_ended_so_is_shown_as_right(visit: Visit, with_other: Taught) -> None:
    [key] = (key for key in with_other.others if "maple_tree" in key)
    names = cloud.execution_arns(with_other.project)
    [name] = (name for name in names if name.startswith("maple_tree"))
    assert cloud.submitted_keys(with_other.project, {name}) == [key]
    app = visit(with_other.project, "test_images", execution=name)
    shown = metrics(app)
    assert (shown["Predicted"], shown["True class"], shown["Judged"]) == ("other", "other", "right")
    assert [badge for badge in app.main.markdown if "not a known class" in badge.value and "violet" in badge.value]
    [confidence] = (metric for metric in app.metric if metric.label == "Confidence")
    assert "never passes" in confidence.help
    assert errors(app) == []
    assert table(app, "State")["State"][-3:] == ["IsKnown", "NotifyUnknown", "RejectUnknown"]
    assert table(app, "State")["Status"][-1] == "not a known class"
    bars = figures(app)["Probability of each class"]["data"][0]
    assert sorted(bars["y"]) == sorted(with_other.labels)
    assert bars["y"][-1] == "other"


def test_foreign_images_can_be_chosen_where_there_are_some(visit: Visit, taught: Taught) -> None:
    app = visit(taught.project, "test_images")
    assert app.button_group(key="test_images.label").options == [name.replace("_", " ") for name in taught.labels]
    splits = [group for group in app.button_group if group.key == "test_images.split"]
    assert len(splits) == ("other" in taught.labels)
    if splits:
        splits[0].set_value("Foreign images").run()
        app.button_group(key="test_images.way").set_value("By hand").run()
        boxes = {box.key: box.label for box in app.checkbox if (box.key or "").startswith("test_images.pick.")}
        assert list(boxes.values()) == ["maple tree", "willow tree"]
        assert "right where it ends as not a known class" in texts(app)
        app.checkbox(key=str(next(iter(boxes)))).check().run()
        before = set(cloud.execution_arns(taught.project))
        click(app, "Submit 1 image")
        assert finish(app, JobName.TEST_IMAGES).status == "succeeded"
        [name] = set(cloud.execution_arns(taught.project)) - before
        assert cloud.execution(taught.project, name)["error"] == "NOT_A_KNOWN_CLASS"


def test_records_answered_other_pass_at_no_threshold(visit: Visit, taught: Taught) -> None:
    records = capture(taught.project, taught.labels)
    index, confidence = np.array([index for index, _ in records]), np.array([sure for _, sure in records])
    is_other = np.array(taught.labels)[index] == "other"
    app = visit(taught.project, "monitoring", threshold="0.5")
    shown = metrics(app)
    assert shown["Records"] == "90"
    assert shown["Pass rate at 0.9"] == f"{np.mean(~is_other & (confidence >= 0.9)):.1%}"
    assert shown["What if 0.5"] == f"{np.mean(~is_other):.1%}"
    assert shown.get("Answered other") == (f"{np.mean(is_other):.1%}" if "other" in taught.labels else None)

    below, above, *unknown = figures(app)[HISTOGRAM]["data"]
    assert sum(counts(below)) == np.count_nonzero(~is_other & (confidence < 0.9))
    assert sum(counts(above)) == np.count_nonzero(~is_other & (confidence >= 0.9))
    assert [sum(counts(trace)) for trace in unknown] == ([np.count_nonzero(is_other)] if any(is_other) else [])
    symbols = {
        trace["name"]: dict(zip([row[3] for row in trace["customdata"]], trace["marker"]["symbol"], strict=True))
        for trace in figures(app)[OVER_TIME]["data"]
    }
    for number, (of_record, sure) in enumerate(records):
        label = taught.labels[of_record]
        passes = sure >= 0.9 and label != "other"
        assert symbols[label][f"record-{number}"] == ("circle" if passes else "diamond-open")

    app.button_group(key="monitoring.wall").set_value("Newest rejects").run()
    rejected = [sure for sure, other in zip(confidence, is_other, strict=True) if other or sure < 0.9]
    assert wall(app) == [f"{sure:.3f}" for sure in rejected[::-1][:24]]


def test_a_bar_of_the_histogram_leads_to_its_records_and_no_others(visit: Visit, taught: Taught) -> None:
    project, source = taught.project, monitoring.project_source(taught.project)
    records = capture(project, taught.labels)
    selection = monitoring.Selection(FIRST, FIRST + timedelta(hours=1))
    summary = monitoring.summarize(project, source, selection)
    shown = Shown(project, source, View(), summary, THRESHOLD, taught.labels)
    found: list[tuple[int, float]] = []
    for trace in figures(visit(project, "monitoring"))[HISTOGRAM]["data"]:
        for height, (_, low, high, *of_class) in zip(counts(trace), trace["customdata"], strict=True):
            picked = of_bar(shown, low, high, *(of_class or [None]))
            frame = monitoring.newest(project, source, picked.selection, 100, picked.confidence)
            assert len(frame) == height
            found += zip(map(int, frame["class_index"]), map(float, frame["confidence"]), strict=True)
    assert sorted(found) == sorted(records)
