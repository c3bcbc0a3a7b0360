"""What was damaged on disk: put aside under a name that says so, never deleted and never in the way."""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import Literal

_log = logging.getLogger(__name__)


def put_aside(path: Path, why: object) -> Path:
    """Rename a damaged file, with what belongs to a database of that name; returns where it is now."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 1_000_000}")
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    _log.error("%s is damaged (%s): it was put aside as %s", path, why, aside.name)
    return aside


def open_database(path: Path, schema: str, synchronous: Literal["NORMAL", "FULL"]) -> sqlite3.Connection:
    """An SQLite database with its tables; one that is damaged is put aside, and an empty one begun.

    Raises sqlite3.OperationalError when the disk does not take it. NORMAL survives the end of the process, FULL the
    machine's.
    """
    try:
        return _open(path, schema, synchronous)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        put_aside(path, error)
        return _open(path, schema, synchronous)


def _open(path: Path, schema: str, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};")
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        connection.executescript(schema)
    except BaseException:
        connection.close()
        raise
    return connection
