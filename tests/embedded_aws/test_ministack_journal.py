"""Executions on disk: each whole, the oldest forgotten once there are too many, and old journals read on."""

from __future__ import annotations

import json
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

from embedded_aws.ministack_journal import ExecutionJournal
from embedded_aws.ministack_state import MiniStackState


def key(number: int) -> tuple[str, ...]:
    return "000000000000", "us-east-1", f"arn:{number:05}"


def execution(number: int, *, has_ended: bool = True) -> dict[str, Any]:
    stop = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z" if has_ended else None
    return {"name": str(number), "stopDate": stop, "events": [{"id": 1, "type": "ExecutionStarted"}]}


def journal_of(path: Path, executions: dict[tuple[str, ...], dict[str, Any]], **limits: int) -> ExecutionJournal:
    journal = ExecutionJournal(path, **limits)
    for at, content in executions.items():
        journal.executions[at] = content
    for _ in range(2):  # a row is final when nothing has changed between two saves
        journal.save()
    return journal


def loaded(path: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    journal = ExecutionJournal(path)
    journal.load()
    return {at: content | {"events": list(content["events"])} for at, content in journal.executions.items()}


def test_executions_come_back_as_they_were(tmp_path: Path) -> None:
    executions = {key(1): execution(1), key(2): execution(2, has_ended=False)}
    journal_of(tmp_path / "journal", {at: dict(content) for at, content in executions.items()}).close()
    assert loaded(tmp_path / "journal") == executions


def test_the_newest_of_those_that_ended_are_kept_and_all_that_run(tmp_path: Path) -> None:
    executions = {key(number): execution(number) for number in range(40)}
    running = {key(number): execution(number, has_ended=False) for number in range(100, 103)}
    journal = journal_of(tmp_path / "journal", {**running, **executions}, kept=20, slack=5)
    newest = {key(number) for number in range(20, 40)}
    assert set(journal.executions) == newest | set(running)
    assert set(loaded(tmp_path / "journal")) == newest | set(running)


def test_nothing_is_forgotten_before_there_are_too_many(tmp_path: Path) -> None:
    executions = {key(number): execution(number) for number in range(25)}
    assert len(journal_of(tmp_path / "journal", executions, kept=20, slack=5).executions) == 25


def test_a_journal_that_an_earlier_version_wrote_is_read_on(tmp_path: Path) -> None:
    """It had the events in the same row."""
    path = tmp_path / "journal"
    content = execution(1)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE executions (key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID")
        row = json.dumps(key(1)), zlib.compress(json.dumps(content).encode(), 1)
        database.execute("INSERT INTO executions VALUES (?, ?)", row)
    journal = ExecutionJournal(path)
    journal.load()
    for _ in range(2):
        journal.save()
    journal.close()
    assert loaded(path) == {key(1): content}


def test_a_damaged_history_hides_neither_its_execution_nor_others(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal_of(path, {key(1): execution(1), key(2): execution(2)}).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE histories SET events = x'00' WHERE key = ?", (json.dumps(key(1)),))
    found = loaded(path)
    assert found[key(1)] == execution(1) | {"events": []}
    assert found[key(2)] == execution(2)


def test_the_end_of_an_execution_is_on_disk_as_soon_as_it_has_ended(tmp_path: Path) -> None:
    """Before anybody asks, and before the next save: a kill -9 makes no failure of it."""
    state = MiniStackState(tmp_path)

    def run(_arn: str) -> None:
        state._journal.executions[key(1)] = execution(1)

    state._saved_at_its_end(run)("arn:00001")
    assert loaded(tmp_path / "executions.sqlite") == {key(1): execution(1)}
