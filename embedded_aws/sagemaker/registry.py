"""What exists: every resource and its tags, in SQLite, on disk before a call returns."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from embedded_aws.damage import open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    kind TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, arn TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
    created REAL NOT NULL, modified REAL NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, name)
) STRICT;
CREATE INDEX IF NOT EXISTS resources_by_time ON resources (kind, created, name);
CREATE TABLE IF NOT EXISTS tags (
    arn TEXT NOT NULL REFERENCES resources (arn) ON DELETE CASCADE, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) STRICT;
"""
_INSERT = "INSERT INTO resources (kind, name, arn, status, created, modified, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT kind, name, arn, status, created, modified, body FROM resources"


class AlreadyExists(Exception):
    """When a resource of that kind and name (in any case) exists."""


def now() -> float:
    """The time as SageMaker gives it: epoch seconds, to the millisecond."""
    return round(time.time(), 3)


@dataclass(frozen=True)
class StoredResource:
    """A training job, model, endpoint configuration or endpoint.

    `kind` is the ARN's own word ("training-job", "model", "endpoint-config", "endpoint"); times are epoch seconds;
    `body` is what else there is to know, as JSON: mostly the request that created it.
    """

    kind: str
    name: str
    arn: str
    status: str = ""
    created: float = field(default_factory=now)
    modified: float = field(default_factory=now)
    body: dict[str, Any] = field(default_factory=dict)

    def changed(self, status: str | None = None, **members: Any) -> StoredResource:
        """A copy, modified now, with another status and these members of the body replaced."""
        return replace(
            self, status=self.status if status is None else status, modified=now(), body={**self.body, **members}
        )


SortColumn = Literal["name", "created", "status"]


@dataclass(frozen=True)
class Query:
    """Which resources to list, and in which order. Times are epoch seconds; "before" leaves the edge out."""

    kind: str
    name_contains: str | None = None
    status: str | None = None
    created_since: float | None = None
    created_before: float | None = None
    modified_since: float | None = None
    modified_before: float | None = None
    sort_by: SortColumn = "created"
    descending: bool = False
    after: tuple[str | float, str] | None = None
    """Sort value and name of the last resource seen: the list goes on behind it."""
    limit: int | None = None


class Registry:
    """Resources and tags. Safe to use from any thread; every change is one transaction.

    A database that is damaged is put aside, and the registry is empty then.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = open_database(path, _SCHEMA, synchronous="FULL")
        self._connection.isolation_level = None
        self._connection.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing does; other threads wait. May be nested."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def create(self, resource: StoredResource, tags: Mapping[str, str] | None = None) -> None:
        """Add a resource with its tags; raises AlreadyExists when the name is taken."""
        with self.transaction():
            try:
                self._connection.execute(_INSERT, _row(resource))
            except sqlite3.IntegrityError as error:
                raise AlreadyExists(resource.arn) from error
            self.put_tags(resource.arn, tags or {})

    def get(self, kind: str, name: str) -> StoredResource | None:
        """The resource of that kind and name; names are the same in upper and lower case, as in SageMaker."""
        rows = self._rows(_SELECT + " WHERE kind = ? AND name = ?", (kind, name))
        return _resource(rows[0]) if rows else None

    def find(self, arn: str) -> StoredResource | None:
        """The resource with that ARN."""
        rows = self._rows(_SELECT + " WHERE arn = ?", (arn,))
        return _resource(rows[0]) if rows else None

    def update(self, kind: str, name: str, change: Callable[[StoredResource], StoredResource]) -> StoredResource | None:
        """Replace a resource by what `change` makes of it, with no other change between; None when there is none.

        What `change` raises passes through and leaves the resource as it was.
        """
        with self.transaction():
            before = self.get(kind, name)
            if before is None:
                return None
            after = change(before)
            self._connection.execute(
                "UPDATE resources SET status = ?, modified = ?, body = ? WHERE arn = ?",
                (after.status, after.modified, json.dumps(after.body), before.arn),
            )
            return after

    def delete(self, kind: str, name: str) -> bool:
        """Remove a resource and its tags; False when there is none."""
        with self.transaction():
            return (
                self._connection.execute("DELETE FROM resources WHERE kind = ? AND name = ?", (kind, name)).rowcount > 0
            )

    def select(self, query: Query) -> list[StoredResource]:
        """The resources that a query asks for, in its order; equal sort values are ordered by name."""
        conditions, values = _conditions(query)
        order = "DESC" if query.descending else "ASC"
        sql = " ".join(
            [_SELECT, "WHERE", " AND ".join(conditions), "ORDER BY", f"{query.sort_by} {order}, name {order}"]
        )
        if query.limit is not None:
            sql, values = f"{sql} LIMIT ?", [*values, query.limit]
        return [_resource(row) for row in self._rows(sql, values)]

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a resource, by key."""
        return dict(self._rows("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,)))

    def put_tags(self, arn: str, tags: Mapping[str, str]) -> None:
        """Add tags, replacing the values of keys that exist."""
        with self.transaction():
            self._connection.executemany(
                "INSERT INTO tags (arn, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                [(arn, key, value) for key, value in tags.items()],
            )

    def delete_tags(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags; keys that are not there are passed over."""
        with self.transaction():
            self._connection.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", [(arn, key) for key in keys])

    def _rows(self, sql: str, values: Iterable[Any]) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, tuple(values)).fetchall()


def _row(resource: StoredResource) -> tuple[Any, ...]:
    times = (resource.created, resource.modified)
    return (resource.kind, resource.name, resource.arn, resource.status, *times, json.dumps(resource.body))


def _resource(row: tuple[Any, ...]) -> StoredResource:
    kind, name, arn, status, created, modified, body = row
    return StoredResource(kind, name, arn, status, created, modified, json.loads(body))


def _conditions(query: Query) -> tuple[list[str], list[Any]]:
    """The WHERE clause of a query, and the values of its placeholders."""
    filters: dict[str, Any] = {
        "kind = ?": query.kind,
        "instr(name, ?) > 0": query.name_contains,
        "status = ?": query.status,
        "created >= ?": query.created_since,
        "created < ?": query.created_before,
        "modified >= ?": query.modified_since,
        "modified < ?": query.modified_before,
    }
    wanted = {condition: value for condition, value in filters.items() if value is not None}
    conditions, values = list(wanted), list(wanted.values())
    if query.after is not None:
        comparison = "<" if query.descending else ">"
        conditions.append(f"({query.sort_by}, name) {comparison} (?, ?)")
        values.extend(query.after)
    return conditions, values
