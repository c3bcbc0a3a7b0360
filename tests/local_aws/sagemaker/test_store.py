"""What is stored stays stored, whole, in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backend.local_aws.sagemaker.store import AlreadyExists, Query, Resource, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "store.sqlite")) as opened:
        yield opened


def resource(name: str, created: float = 0.0, status: str = "", **body: object) -> Resource:
    return Resource("model", name, f"arn:model/{name.lower()}", status, created, created, body)


def test_a_resource_comes_back_as_it_was_stored(store: Store) -> None:
    store.create(resource("m", 1.5, "New", Members={"a": [1, None, "ü"]}))
    assert store.get("model", "m") == resource("m", 1.5, "New", Members={"a": [1, None, "ü"]})


def test_names_are_the_same_in_upper_and_lower_case(store: Store) -> None:
    store.create(resource("Model"))
    found = store.get("model", "mODEL")
    assert found is not None
    assert found.name == "Model"
    with pytest.raises(AlreadyExists):
        store.create(resource("MODEL"))


def test_kinds_have_names_of_their_own(store: Store) -> None:
    store.create(resource("same"))
    store.create(Resource("endpoint", "same", "arn:endpoint/same"))
    assert store.get("endpoint", "same") is not None
    assert store.find("arn:endpoint/same") == store.get("endpoint", "same")


def test_a_deleted_resource_takes_its_tags_along(store: Store) -> None:
    store.create(resource("m"), {"key": "value"})
    assert store.tags("arn:model/m") == {"key": "value"}
    assert store.delete("model", "m")
    assert not store.delete("model", "m")
    store.create(resource("m"))
    assert store.tags("arn:model/m") == {}


def test_tags_are_replaced_and_removed_by_key(store: Store) -> None:
    store.create(resource("m"), {"a": "1", "b": "2"})
    store.put_tags("arn:model/m", {"b": "3", "c": "4"})
    store.delete_tags("arn:model/m", ["a", "never there"])
    assert store.tags("arn:model/m") == {"b": "3", "c": "4"}


def test_a_change_that_raises_leaves_the_resource_as_it_was(store: Store) -> None:
    store.create(resource("m", Number=1))

    def change(before: Resource) -> Resource:
        raise ValueError(before.name)

    with pytest.raises(ValueError, match="m"):
        store.update("model", "m", change)
    assert store.get("model", "m") == resource("m", Number=1)


def test_a_transaction_that_raises_changes_nothing(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction():
        store.create(resource("m"))
        raise ZeroDivisionError
    assert store.get("model", "m") is None


def test_no_change_of_many_threads_is_lost(store: Store) -> None:
    store.create(resource("m", Number=0))

    def count() -> None:
        for _ in range(25):
            store.update("model", "m", lambda before: before.changed(Number=before.body["Number"] + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.get("model", "m")
    assert found is not None
    assert found.body["Number"] == 100


def test_equal_times_are_ordered_by_name(store: Store) -> None:
    for name in ("b", "a", "c"):
        store.create(resource(name, created=7.0))
    assert [found.name for found in store.select(Query("model"))] == ["a", "b", "c"]
    assert [found.name for found in store.select(Query("model", descending=True))] == ["c", "b", "a"]


def test_a_selection_goes_on_behind_the_last_resource_seen(store: Store) -> None:
    for name, created in (("a", 1.0), ("b", 1.0), ("c", 2.0), ("d", 3.0)):
        store.create(resource(name, created))
    assert [found.name for found in store.select(Query("model", after=(1.0, "a"), limit=2))] == ["b", "c"]
    downwards = Query("model", descending=True, after=(2.0, "c"))
    assert [found.name for found in store.select(downwards)] == ["b", "a"]


def test_everything_answered_survives_the_death_of_the_service(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "store.sqlite")], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    answered = [int(writer.stdout.readline()) for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    answered += [int(line) for line in writer.stdout]
    writer.stdout.close()
    writer.wait()
    with closing(Store(tmp_path / "store.sqlite")) as store:
        assert {f"m{number}" for number in answered} <= {found.name for found in store.select(Query("model"))}


WRITER = """
import sys
from pathlib import Path
from backend.local_aws.sagemaker.store import Resource, Store
store = Store(Path(sys.argv[1]))
for number in range(10_000):
    store.create(Resource("model", f"m{number}", f"arn:{number}"))
    print(number, flush=True)
"""
