"""Each figure equals an independent computation, by numpy and by hand, on the records that were written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from backend import monitoring, quality, staging
from backend.alerts import FIGURES, Question, Reading, Windows
from backend.aws.environment import Environment
from backend.ground_truth import GroundTruth, write_labels
from backend.monitoring import Selection
from tests.backend.alerts.conftest import Record, capture
from tests.projects import of_project

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PERIOD = 5 * MINUTE
LABELS = ("bicycle", "motorcycle", "other")
WINDOWS = Windows(START, PERIOD, 6)
RNG = np.random.default_rng(5)


def drawn(count: int) -> list[Record]:
    """Records from four minutes before the windows until after them; in the fourth window there is none."""
    records = []
    for number in range(count):
        time = START - 4 * MINUTE + timedelta(seconds=int(RNG.integers(0, 40 * 60)))
        if not START + 3 * PERIOD <= time < START + 4 * PERIOD:
            probabilities = [round(float(value), 4) for value in RNG.dirichlet([1.0, 1.0, 1.0])]
            records.append(Record(time, probabilities, f"execution-{number}"))
    return records


Recorded = tuple[Environment, list[Record]]


@pytest.fixture(scope="module")
def recorded(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A project and its records, for all tests that only read them."""
    project = of_project(environment, "alerts-figures", tmp_path_factory.mktemp("figures"))
    project.s3.create_bucket(Bucket=project.bucket)
    found = [*drawn(300), Record(START, [0.5, 0.3, 0.2]), Record(START + 2 * PERIOD, [0.2, 0.2, 0.6])]
    capture(project, found)
    return project, found


def ask(
    project: Environment, name: str, label: str | None = None, level: float | None = None, variant: str | None = None
) -> list[Reading | None]:
    source = monitoring.project_source(project)
    return list(FIGURES[name].read(Question(project, source, variant, label, level, LABELS, 0.5), WINDOWS))


def within(records: list[Record], number: int) -> list[Record]:
    start = START + number * PERIOD
    return [record for record in records if start <= record.time < start + PERIOD]


def share(of: Callable[[Record], bool]) -> Callable[[list[Record]], float]:
    return lambda records: sum(map(of, records)) / len(records)


def confidences(records: list[Record]) -> list[float]:
    return [record.confidence for record in records]


@pytest.mark.parametrize(
    ("name", "label", "level", "expected"),
    [
        ("pass_rate", None, None, share(lambda one: one.confidence >= 0.5 and one.index != 2)),
        ("pass_rate", None, 0.7, share(lambda one: one.confidence >= 0.7 and one.index != 2)),
        ("share_of_other", None, None, share(lambda one: one.index == 2)),
        ("share_of_class", "motorcycle", None, share(lambda one: one.index == 1)),
        ("mean_confidence", None, None, lambda some: float(np.mean(confidences(some)))),
        ("quantile_of_confidence", None, 0.1, lambda some: float(np.quantile(confidences(some), 0.1))),
    ],
)
def test_a_figure_of_records_is_what_numpy_makes_of_them(
    recorded: Recorded,
    name: str,
    label: str | None,
    level: float | None,
    expected: Callable[[list[Record]], float],
) -> None:
    project, records = recorded
    read = ask(project, name, label, level)
    assert [None if one is None else one.records for one in read] == [
        len(within(records, number)) or None for number in range(6)
    ]
    assert read[3] is None
    for number in (0, 1, 2, 4, 5):
        reading = read[number]
        assert reading is not None
        assert reading.value == pytest.approx(expected(within(records, number)), abs=1e-12)


def test_traffic_is_counted_by_the_hour_and_none_is_zero(recorded: Recorded) -> None:
    project, records = recorded
    read = ask(project, "traffic")
    assert [one and one.value for one in read] == [len(within(records, number)) * 12 for number in range(6)]


def test_silence_is_counted_from_the_last_record_to_the_windows_end(recorded: Recorded) -> None:
    project, records = recorded
    read = ask(project, "silence")
    for number in range(6):
        end = START + (number + 1) * PERIOD
        last = max(record.time for record in records if record.time < end)
        reading = read[number]
        assert reading is not None
        assert reading.value == pytest.approx((end - last) / MINUTE)
    assert read[3] is not None
    assert read[3].value > 5


def test_before_the_first_record_there_is_no_silence(project: Environment) -> None:
    capture(project, [Record(START + PERIOD, [0.9, 0.1, 0.0])])
    assert [one and one.value for one in ask(project, "silence")] == [None, 5, 10, 15, 20, 25]


def test_only_records_of_the_rules_variant_count(project: Environment) -> None:
    capture(project, [Record(START, [0.9, 0.1, 0.0])] * 3, variant="blue")
    capture(project, [Record(START, [0.6, 0.4, 0.0])] * 2, variant="green")
    for variant, confidence, number in (("blue", 0.9, 3), ("green", 0.6, 2)):
        reading = ask(project, "mean_confidence", variant=variant)[0]
        assert reading is not None
        assert reading.value == pytest.approx(confidence)
        assert reading.records == number
    [silence, *_] = ask(project, "silence", variant="none")
    assert silence is None


def test_without_a_record_nothing_is_read_and_no_cache_is_made(project: Environment) -> None:
    for name in FIGURES:
        read = ask(project, name, "bicycle", 0.5)
        assert read == [Reading(0.0, None)] * 6 if name == "traffic" else [None] * 6, name
    assert not list(project.cache_dir.glob("*.duckdb"))


def test_a_source_without_a_class_other_has_no_share_of_it(recorded: Recorded) -> None:
    project, records = recorded
    question = Question(project, monitoring.project_source(project), None, None, None, ("a", "b", "c"), 0.5)
    assert list(FIGURES["share_of_other"].read(question, WINDOWS)) == [None] * 6
    passing = FIGURES["pass_rate"].read(question, WINDOWS)[0]
    assert passing is not None
    assert passing.value == share(lambda one: one.confidence >= 0.5)(within(records, 0))


def test_quarantine_and_lag_are_of_the_files_that_were_delivered_in_a_window(project: Environment) -> None:
    """The files are delivered now, whenever their inferences were."""
    capture(project, [Record(START, [0.9, 0.1, 0.0])] * 6, broken=2)
    capture(project, [Record(START + MINUTE, [0.9, 0.1, 0.0])] * 2)
    rows = project.s3.list_objects_v2(Bucket=project.bucket, Prefix="data_capture/")["Contents"]
    delivered = [row["LastModified"] for row in sorted(rows, key=lambda row: row["Key"])]
    lags = [(time - START - number * MINUTE).total_seconds() for number, time in enumerate(delivered)]
    hour = Windows(datetime.now(UTC) - timedelta(days=1), timedelta(days=2), 1)
    question = Question(project, monitoring.project_source(project), None, None, None, LABELS, 0.5)
    assert FIGURES["quarantined_share"].read(question, hour) == [Reading(0.2, 10)]
    [lag] = FIGURES["delivery_lag"].read(question, hour)
    assert lag is not None
    assert lag.records == 2
    assert lag.value == pytest.approx(float(np.quantile(lags, 0.95)), abs=1.0)


def test_realised_accuracy_is_the_accuracy_pages(project: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where four in five are known it is the middle of its bounds, and where fewer are it is no window's."""
    monkeypatch.setattr(staging, "describe_dataset", lambda _: None)
    answers = {"right": [0.9, 0.1, 0.0], "wrong": [0.8, 0.2, 0.0], "foreign": [0.1, 0.1, 0.8], "seen": [0.6, 0.4, 0.0]}
    capture(project, [Record(START, answer, name) for name, answer in {**answers, "unknown": [0.7, 0.3, 0.0]}.items()])
    capture(project, [Record(START + PERIOD, [0.9, 0.1, 0.0], name) for name in ("right", "unknown")])
    write_labels(project, "traffic-1-00000", START, {"right": "bicycle", "wrong": "motorcycle", "foreign": "other"})
    write_labels(project, "review-1-00000", START, {"seen": "motorcycle", "right": "other"})
    read = ask(project, "realised_accuracy")
    assert read == [Reading(0.5, 5), *[None] * 5], "two of four are right, and the fifth may be"
    source, selection = monitoring.project_source(project), Selection(START, START + PERIOD)
    window = quality.read_window(project, source, selection, LABELS, GroundTruth())
    assert window is not None
    page = quality.realised_of(window)
    assert isinstance(page, quality.Realised)
    assert (page.of_window.value, page.records) == (0.5, 5)


def test_windows_begin_at_multiples_of_the_period() -> None:
    windows = Windows.until(START + 7 * MINUTE, PERIOD, 3)
    assert (windows.start, windows.end) == (START - 10 * MINUTE, START + 5 * MINUTE)
    assert windows.end_of(0) == START - 5 * MINUTE
