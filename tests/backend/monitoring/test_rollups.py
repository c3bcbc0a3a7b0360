"""Rollups say what counting the records anew would, whatever happened to the files before."""

from __future__ import annotations

import bisect
import math
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from backend.monitoring import finding, rollups, summaries, writing
from backend.monitoring.batches import Part
from backend.monitoring.bins import EDGES
from backend.monitoring.contents import contents
from backend.monitoring.layout import Stream
from backend.monitoring.objects import CaptureObject
from backend.monitoring.pictures import Picture, PictureState
from backend.monitoring.records import ReadLines
from backend.monitoring.selection import Selection
from backend.monitoring.store import CaptureStore

STREAMS = [Stream("one", "A"), Stream("one", "B"), Stream("two", "A")]
START = datetime(2026, 1, 2, 20, tzinfo=UTC)
DAYS = 3
SEEDS = 60
NO_PICTURE = Picture(PictureState.NOT_CAPTURED)


class Record(NamedTuple):
    """What the test itself knows of a record."""

    time: datetime
    stream: Stream
    class_index: int
    confidence: float
    inference_id: str


@dataclass
class Model:
    """Files with their records, kept in plain lists."""

    random: random.Random
    files: dict[str, list[Record]] = field(default_factory=dict)
    numbers: int = 0

    def records(self) -> list[Record]:
        return [record for records in self.files.values() for record in records]

    def new_file(self, stream: Stream) -> list[Record]:
        """A file of some minutes, with confidences that lie on the edges of bins often."""
        begin = START + timedelta(seconds=self.random.randrange(DAYS * 86_400))
        return [
            self._record(begin + timedelta(seconds=self.random.randrange(900)), stream) for _ in range(self._size())
        ]

    def _size(self) -> int:
        return self.random.choice([0, 1, 3, 20, 90])

    def _record(self, time: datetime, stream: Stream) -> Record:
        self.numbers += 1
        confidence = self.random.choice(
            [self.random.uniform(0.2, 1), 1 - self.random.random() ** 3 / 2, 0.93, 1.0, 0.5]
        )
        return Record(time, stream, self.random.choice([0, 0, 0, 1, 4]), confidence, f"n-{self.numbers}")


def part_of(number: int, records: list[Record]) -> Part:
    lines = ReadLines(
        offset=[100 * line for line in range(len(records))],
        length=[100] * len(records),
        position=[0] * len(records),
        time=[int(record.time.timestamp()) * 1_000_000 for record in records],
        confidence=[record.confidence for record in records],
        class_index=[record.class_index for record in records],
        inference_id=[record.inference_id for record in records],
        image_key=[None] * len(records),
        probabilities=[[record.confidence] for record in records],
        inputs=[None] * len(records),
    )
    return Part(number, lines, [NO_PICTURE] * len(records))


class Undone(Exception):
    """Ends a transaction, so that nothing of it stays."""


def change(store: CaptureStore, model: Model, number: int) -> None:
    """One random operation on both: files come (late ones too), are replaced, go, or all of that is rolled back."""
    choose = model.random
    known = list(model.files)
    new = {f"file-{number}-{part}": choose.choice(STREAMS) for part in range(choose.choice([0, 1, 1, 4]))}
    replaced = {
        key: choose.choice(STREAMS) for key in choose.sample(known, min(len(known), choose.choice([0, 0, 1, 2])))
    }
    gone = choose.sample(known, min(len(known), choose.choice([0, 0, 0, 1, 3])))
    written = {key: (stream, model.new_file(stream)) for key, stream in (new | replaced).items()}
    is_undone = choose.random() < 0.2
    try:
        with store.writing() as cursor:
            ids = [cursor.execute("SELECT file_id FROM files WHERE key = ?", [key]).fetchall()[0][0] for key in gone]
            writing.forget_files(cursor, "SELECT unnest(?::BIGINT[]) AS file_id", [ids])
            files = [CaptureObject(key, str(number), START, 100, stream) for key, (stream, _) in written.items()]
            parts = [part_of(place, records) for place, (_, records) in enumerate(written.values())]
            writing.replace_files(cursor, files, [parts[:1], parts[1:]])
            if is_undone:
                raise Undone
            if choose.random() < 0.1:
                rollups.compact(cursor)
    except Undone:
        return
    for key in gone:
        model.files.pop(key)
    model.files.update({key: records for key, (_, records) in written.items()})


def edge_bin(confidence: float) -> int:
    return min(bisect.bisect_right(EDGES.tolist(), confidence), len(EDGES)) - 1


def random_selection(model: Model) -> Selection:
    """From seconds to all of it, at any time, often that of a record, of any endpoint, variant and class."""
    choose = model.random
    times = [record.time for record in model.records()]
    somewhere = START + timedelta(seconds=choose.randrange(DAYS * 86_400))
    at = choose.choice([*times[:: len(times) // 4 + 1], somewhere])
    length = timedelta(seconds=choose.choice([7, 600, 7000, 90_000, 400_000, 1_200_000, 6_000_000, 40_000_000]))
    start = choose.choice([at, at - length])
    return Selection(
        start,
        start + length,
        choose.choice([None, None, "one", "two", "none"]),
        choose.choice([None, None, "A", "B"]),
        choose.choice([None, None, 0, 4]),
    )


def selected(model: Model, selection: Selection) -> list[Record]:
    """The records meant, in the order of time."""
    wanted = [
        record
        for record in model.records()
        if selection.start <= record.time < selection.end
        and selection.endpoint in (None, record.stream.endpoint)
        and selection.variant in (None, record.stream.variant)
        and selection.class_index in (None, record.class_index)
    ]
    return sorted(wanted, key=lambda record: record.time)


def check_counts(store: CaptureStore, model: Model) -> None:
    """The tables themselves, against counting what the test knows."""
    expected: Counter[tuple[int, int, Stream, int, int]] = Counter()
    lowest: dict[tuple[int, Stream, int], list[float]] = defaultdict(list)
    for record in model.records():
        hour = int(record.time.timestamp()) // 3600
        for hours in (1, 6, 24):
            expected[hours, hour // hours, record.stream, record.class_index, edge_bin(record.confidence)] += 1
        lowest[hour, record.stream, record.class_index].append(record.confidence)
    found = store.query(
        """SELECT hours, bucket, endpoint, variant, class_index, bin, sum(n)
        FROM histogram JOIN streams USING (stream_id) GROUP BY ALL HAVING sum(n) <> 0"""
    )
    assert {(h, b, Stream(e, v), c, k): n for h, b, e, v, c, k, n in found} == dict(expected)
    kept = defaultdict(list)
    for hour, endpoint, variant, index, confidence in store.query(
        """SELECT hour, endpoint, variant, class_index, lowest.confidence FROM lowest JOIN streams USING (stream_id)
        JOIN records USING (record_id, confidence, time, class_index) ORDER BY confidence"""
    ):
        kept[hour, Stream(endpoint, variant), index].append(confidence)
    assert {key: values[:32] for key, values in kept.items()} == {key: sorted(v)[:32] for key, v in lowest.items()}


def check_summary(store: CaptureStore, model: Model) -> None:
    other = model.random.choice([None, 0, 4, 7])
    with store.reading() as cursor:
        summary = summaries.summarize(cursor, random_selection(model), other)
    records = selected(model, summary.selection)
    assert summary.records == len(records)
    confidences, is_known = (
        np.array([record.confidence for record in records]),
        np.array([record.class_index != other for record in records], bool),
    )
    edges = [*EDGES, np.inf]
    assert summary.known.sum(axis=0).tolist() == np.histogram(confidences[is_known], edges)[0].tolist()
    assert summary.unknown.sum(axis=0).tolist() == np.histogram(confidences[~is_known], edges)[0].tolist()
    for threshold in (0.0, 0.5, 0.93, 0.9995, 1.0):
        at_least = 0.9995 if threshold == 1.0 else threshold  # the last step, which holds 1
        assert summary.passing(threshold) == np.count_nonzero(is_known & (confidences >= at_least))
    steps: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        steps[(record.time - summary.selection.start) // summary.step].append(record)
    frame = summary.over_time(0.93)
    times = [summary.selection.start + step * summary.step for step in sorted(steps)]
    assert list(frame["time"]) == times
    assert list(frame["records"]) == [len(steps[step]) for step in sorted(steps)]
    assert list(frame["pass_rate"]) == pytest.approx(
        [np.mean([r.confidence >= 0.93 and r.class_index != other for r in steps[step]]) for step in sorted(steps)]
    )
    assert list(summary.lowest["confidence"]) == [min(r.confidence for r in steps[step]) for step in sorted(steps)]
    mix = summary.class_mix()
    for index in summary.classes:
        shares = [sum(r.class_index == index for r in steps[step]) / len(steps[step]) for step in sorted(steps)]
        assert list(mix[index]) == pytest.approx(shares)


def check_found(store: CaptureStore, model: Model) -> None:
    selection = random_selection(model)
    records = selected(model, selection)
    below = [record for record in records if record.confidence < 0.93]
    with store.reading() as cursor:
        everything = finding.records(cursor, selection, 10_000)
        assert everything is not None
        assert [str(name) for name in sorted(everything["inference_id"])] == sorted(r.inference_id for r in records)
        assert list(everything["time"]) == [record.time for record in records]
        assert (finding.records(cursor, selection, 10) is None) == (len(records) > 10)
        lowest = finding.lowest(cursor, selection, 5)
        assert list(lowest["confidence"]) == sorted(record.confidence for record in records)[:5]
        newest = finding.newest(cursor, selection, 7)
        assert list(newest["time"]) == [record.time for record in records[::-1][:7]]
        rejects = finding.newest(cursor, selection, 7, (0.0, 0.93))
        assert list(rejects["time"]) == [record.time for record in below[::-1][:7]]
        other = model.random.choice([0, 4, 7])
        rejected = finding.newest(cursor, selection, 7, (0.0, 0.93), other)
        stays = [record for record in records if record.confidence < 0.93 or record.class_index == other]
        assert list(rejected["time"]) == [record.time for record in stays[::-1][:7]]
        known = finding.records(cursor, replace(selection, without=other), 10_000)
        assert known is not None
        assert list(known["time"]) == [record.time for record in records if record.class_index != other]
        sample = finding.sample(cursor, selection, 15, seed=1)
        assert len(set(sample["inference_id"])) == min(15, len(records))
        assert set(sample["inference_id"]) <= {record.inference_id for record in records}
        ids = [int(record_id) for record_id in everything["record_id"]]
        if ids:
            at = model.random.randrange(len(ids))
            expected = (ids[at - 1] if at else None, ids[at + 1] if at + 1 < len(ids) else None)
            assert finding.beside(cursor, selection, ids[at]) == expected
            assert list(finding.by_ids(cursor, [ids[at], -1])["record_id"]) == [ids[at]]
            [name] = finding.by_ids(cursor, [ids[at]])["inference_id"]
            assert list(finding.by_inference(cursor, [name, "none"])["record_id"]) == [ids[at]]


def check_contents(store: CaptureStore, model: Model) -> None:
    with store.reading() as cursor:
        found = contents(cursor)
    records = model.records()
    times = [record.time for record in records]
    assert (found.records, found.files) == (len(records), len(model.files))
    assert (found.first_at, found.last_at) == (min(times, default=None), max(times, default=None))
    by_stream = Counter(record.stream for record in records)
    assert {Stream(s.endpoint, s.variant): s.records for s in found.streams} == dict(by_stream)
    assert list(found.classes) == sorted({record.class_index for record in records})


def run(path: Path, operations: int, seed: int) -> None:
    store, model = CaptureStore(path / "store.duckdb"), Model(random.Random(seed))  # noqa: S311
    with store.kept_open():
        for number in range(operations):
            change(store, model, number)
            check_summary(store, model)
            check_found(store, model)
            if number % 10 == 0 or number == operations - 1:
                check_counts(store, model)
                check_contents(store, model)
    assert len(model.records()) > operations


@pytest.fixture(autouse=True)
def compact_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "_MANY", 500)


def test_rollups_equal_a_recomputation(tmp_path: Path) -> None:
    run(tmp_path, 30, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_rollups_equal_a_recomputation_after_600_operations(tmp_path: Path, seed: int) -> None:
    run(tmp_path, 600, seed)


def test_a_sample_is_by_lot(tmp_path: Path) -> None:
    """Each record is as likely as another: of hours with 100 and 900 records, a tenth is from the first."""
    store = CaptureStore(tmp_path / "store.duckdb")
    stream = STREAMS[0]
    hours = {START: 100, START + timedelta(hours=1): 900}
    records = [
        Record(begin + timedelta(seconds=n), stream, 0, 0.9, f"{begin:%H}-{n}")
        for begin, count in hours.items()
        for n in range(count)
    ]
    with store.writing() as cursor:
        writing.replace_files(cursor, [CaptureObject("a", "1", START, 1, stream)], [[part_of(0, records)]])
    selection = Selection(START + timedelta(seconds=50), START + timedelta(hours=2))  # half of the first hour's
    names: list[str] = []
    with store.reading() as cursor:
        for seed in range(SEEDS):
            names += list(finding.sample(cursor, selection, 24, seed)["inference_id"])
        assert list(finding.sample(cursor, selection, 24, 5)["inference_id"]) == names[5 * 24 : 6 * 24]
    share = sum(name.startswith(f"{START:%H}") for name in names) / len(names)
    expected = 50 / 950
    deviation = math.sqrt(expected * (1 - expected) / (SEEDS * 12))  # twelve hours are drawn each time
    assert abs(share - expected) < 4 * deviation
    assert not {f"{START:%H}-{n}" for n in range(50)} & set(names)
    assert len(set(names)) > 600


def test_wilsons_interval_is_the_published_one() -> None:
    """Source: R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3."""
    low, high = summaries.wilson(np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29]))
    assert low == pytest.approx([0.2553, 0.0624, 0.0, 0.0061], abs=5e-5)
    assert high == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=5e-5)
