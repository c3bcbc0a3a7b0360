"""What is read feeds the drift alarms: each record once, each variant its own, whenever a process ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from backend.drift import Detector, Feature, unpack
from backend.monitoring import feeding
from backend.monitoring.detectable import read_records
from backend.monitoring.feeding import catch_up
from backend.monitoring.ingest import ingest
from backend.monitoring.objects import list_all
from backend.monitoring.places import FolderPlace
from backend.monitoring.store import CaptureStore
from backend.monitoring.watched import Acknowledgement, Watched
from tests.backend.monitoring.watching import BEGIN, lines, watched

ROOT = Path(__file__).parents[3]
READ = """
import sys
from pathlib import Path
import msgspec
from backend.monitoring import feeding, ingest as ingesting
from backend.monitoring.objects import list_all
from backend.monitoring.places import FolderPlace
from backend.monitoring.store import CaptureStore
from backend.monitoring.watched import Watched
ingesting._BATCH_FILES = 3
store, place = CaptureStore(Path(sys.argv[1])), FolderPlace(Path(sys.argv[2]))
watched = [msgspec.json.decode(Path(sys.argv[3]).read_bytes(), type=Watched)]
with store.only_writer():
    feeding.catch_up(store, watched)
    ingesting.ingest(store, place, list_all(place), lambda *said: print("a batch", flush=True), watched)
"""


@pytest.fixture
def store(tmp_path: Path) -> CaptureStore:
    return CaptureStore(tmp_path / "cache" / "store.duckdb")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "captured"
    path.mkdir()
    return path


def put(folder: Path, name: str, content: Sequence[bytes], variant: str = "AllTraffic") -> Path:
    path = folder / "scones" / variant / "2026/01/02/00" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(content))
    return path


def bring(store: CaptureStore, folder: Path, *of: Watched) -> None:
    place = FolderPlace(folder)
    catch_up(store, of)
    ingest(store, place, list_all(place), watched=of)


def detector(store: CaptureStore, variant: str = "AllTraffic") -> Detector:
    sql = "SELECT detector FROM drift JOIN streams USING (stream_id) WHERE variant = ?"
    [(content,)] = store.query(sql, [variant])
    return unpack(content)


def fed(store: CaptureStore, variant: str = "AllTraffic") -> int:
    state = detector(store, variant).state
    return state.records + state.repeated


def test_what_comes_is_fed_with_its_file_and_once(store: CaptureStore, folder: Path) -> None:
    content = list(lines(60))
    for number in range(3):
        put(folder, f"{number}", content[20 * number : 20 * number + 20])
        bring(store, folder, watched())
        bring(store, folder, watched())
        assert fed(store) == 20 * number + 20
    alone = Detector(watched().usual.baseline.baseline())
    with store.reading() as cursor:
        alone.feed(read_records(cursor, "true", [], 2))
    assert detector(store).state.winnings.won == pytest.approx(alone.state.winnings.won)


def test_records_are_fed_as_they_were_captured(store: CaptureStore, folder: Path) -> None:
    put(folder, "a", list(lines(30)))
    bring(store, folder, watched())
    rng = np.random.default_rng(0)
    answers = rng.dirichlet([3, 3, 0.5], 30)
    with store.reading() as cursor:
        records = read_records(cursor, "true", [], 2)
    assert records.confidence == pytest.approx(answers.max(axis=1))
    assert records.class_index.tolist() == answers.argmax(axis=1).tolist()
    assert records.other == pytest.approx(answers[:, 2], rel=1e-6)
    assert records.time.tolist() == [int((BEGIN + timedelta(seconds=n)).timestamp()) * 1_000_000 for n in range(30)]
    assert len(set(records.content.tolist())) == len(set(records.key.tolist())) == 30
    assert records.brightness == pytest.approx(np.full(30, 0.5), abs=0.15)  # of random gray levels


def test_a_record_has_the_same_key_in_a_cache_that_is_built_anew(store: CaptureStore, folder: Path) -> None:
    put(folder, "b", list(lines(5)))
    bring(store, folder)
    put(folder, "a", list(lines(5, 1)))
    bring(store, folder)
    anew = CaptureStore(store.path.with_name("anew.duckdb"))
    bring(anew, folder)
    keys = []
    for of in (store, anew):
        with of.reading() as cursor:
            records = read_records(cursor, "true", [], None)
            keys.append(dict(zip(records.content.tolist(), records.key.tolist(), strict=True)))
    assert keys[0] == keys[1]


def test_what_a_replaced_file_had_before_is_not_fed_again(store: CaptureStore, folder: Path) -> None:
    content = list(lines(50))
    put(folder, "a", content[:30])
    bring(store, folder, watched())
    put(folder, "a", content[10:])  # ten lines less in front, twenty more behind
    bring(store, folder, watched())
    assert fed(store) == 50


def test_a_burst_of_equal_records_in_a_replaced_file_is_told_apart(store: CaptureStore, folder: Path) -> None:
    [same] = lines(1)
    put(folder, "a", [same] * 4)
    bring(store, folder, watched())
    put(folder, "a", [same] * 6)
    bring(store, folder, watched())
    assert fed(store) == 6
    assert store.query("SELECT count(DISTINCT record_id) FROM records") == [(6,)]


def test_equal_requests_are_one_piece_of_news(store: CaptureStore, folder: Path) -> None:
    content = list(lines(12))
    put(folder, "a", content + [content[-1].replace(b":11.", b":12.")] * 5)
    bring(store, folder, watched())
    assert (detector(store).state.records, detector(store).state.repeated) == (12, 5)


def test_variants_are_kept_apart(store: CaptureStore, folder: Path) -> None:
    """A shadow is sent copies of the champion's requests: same content, same inference ids."""
    content = list(lines(30))
    put(folder, "a", content)
    put(folder, "a", content[:20], "shadow")
    bring(store, folder, watched(), watched("shadow"))
    assert (fed(store), fed(store, "shadow")) == (30, 20)
    assert detector(store, "shadow").state.repeated == 0


def test_another_revision_begins_anew_with_all_that_is_there(store: CaptureStore, folder: Path) -> None:
    put(folder, "a", list(lines(40)))
    bring(store, folder, watched())
    bring(store, folder, watched(revision="second", promise=500, since=BEGIN + timedelta(seconds=10)))
    assert fed(store) == 30
    assert detector(store).promise == 500
    [(first,)] = store.query("SELECT min(time) FROM evidence")
    assert first >= (BEGIN + timedelta(seconds=10)).replace(tzinfo=None)


def test_what_is_watched_no_more_is_forgotten(store: CaptureStore, folder: Path) -> None:
    put(folder, "a", list(lines(5)))
    bring(store, folder, watched())
    bring(store, folder)
    assert store.query("SELECT * FROM drift") == store.query("SELECT * FROM evidence") == []


def test_many_earlier_records_are_fed_in_parts(
    store: CaptureStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "_AT_ONCE", 7)
    put(folder, "a", list(lines(40)))
    bring(store, folder)
    said: list[str] = []
    catch_up(store, [watched()], lambda _, message: said.append(message))
    assert fed(store) == 40
    assert len(said) == 5  # before each part but the first


def acknowledged(seconds: int) -> Acknowledgement:
    at = BEGIN + timedelta(seconds=seconds)
    return Acknowledgement(at, "Ada", raised_at=at, since=at, feature=Feature.CONTRAST)


def test_an_alarm_stays_until_it_is_acknowledged_and_is_raised_again_if_it_goes_on(
    store: CaptureStore, folder: Path
) -> None:
    put(folder, "a", list(lines(200)))  # of pictures that are unlike the baseline's
    bring(store, folder, watched())
    raised = detector(store).alarm
    assert raised is not None
    assert raised.time < (BEGIN.timestamp() + 100) * 1e6
    of = watched(acknowledgements=(acknowledged(200),))
    bring(store, folder, of)
    assert detector(store).alarm is None
    put(folder, "b", list(lines(100, 1, BEGIN + timedelta(seconds=201))))
    bring(store, folder, of)
    again = detector(store).alarm
    assert again is not None
    assert again.record >= 200
    assert store.query("SELECT acknowledged FROM drift") == [(1,)]
    assert fed(store) == 300


def test_a_cache_that_is_built_anew_acknowledges_where_it_was_done(
    store: CaptureStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "a", list(lines(300)))
    put(folder, "b", list(lines(300, 1, BEGIN + timedelta(seconds=300))))
    (folder / "scones/AllTraffic/2026/01/02/00/b.jsonl").rename(folder / "later")
    bring(store, folder, watched(promise=100))
    of = watched(promise=100, acknowledgements=(acknowledged(299),))
    bring(store, folder, of)
    (folder / "later").rename(folder / "scones/AllTraffic/2026/01/02/00/b.jsonl")
    bring(store, folder, of)
    monkeypatch.setattr(feeding, "_AT_ONCE", 77)
    anew = CaptureStore(store.path.with_name("anew.duckdb"))
    bring(anew, folder)
    catch_up(anew, [of])
    assert detector(anew).alarm == detector(store).alarm is not None
    assert detector(anew).state.winnings.won == pytest.approx(detector(store).state.winnings.won)


def test_a_reader_that_is_killed_feeds_nothing_twice_and_leaves_nothing_out(
    store: CaptureStore, folder: Path, tmp_path: Path
) -> None:
    content = list(lines(300))
    for number in range(60):
        put(folder, f"{number:03}", content[5 * number : 5 * number + 5])
    (tmp_path / "watched.json").write_bytes(msgspec.json.encode(watched()))
    command = [sys.executable, "-c", READ, str(store.path), str(folder), str(tmp_path / "watched.json")]
    for batches in (1, 4, 3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            for _ in range(batches):
                assert process.stdout.readline() == b"a batch\n"
            process.kill()  # in the next one
        [(there,)] = store.query("SELECT count(*) FROM records")
        assert fed(store) == there < 300
    bring(store, folder, watched())
    assert fed(store) == 300
