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

from embedded_aws.sagemaker.registry import AlreadyExists, Query, Registry, StoredResource


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry(tmp_path / "registry.sqlite")) as opened:
        yield opened


def resource(name: str, created: float = 0.0, status: str = "", **body: object) -> StoredResource:
    return StoredResource("model", name, f"arn:model/{name.lower()}", status, created, created, body)


def test_a_resource_comes_back_as_it_was_stored(registry: Registry) -> None:
    registry.create(resource("m", 1.5, "New", Members={"a": [1, None, "ü"]}))
    assert registry.get("model", "m") == resource("m", 1.5, "New", Members={"a": [1, None, "ü"]})


def test_names_are_the_same_in_upper_and_lower_case(registry: Registry) -> None:
    registry.create(resource("Model"))
    found = registry.get("model", "mODEL")
    assert found is not None
    assert found.name == "Model"
    with pytest.raises(AlreadyExists):
        registry.create(resource("MODEL"))


def test_kinds_have_names_of_their_own(registry: Registry) -> None:
    registry.create(resource("same"))
    registry.create(StoredResource("endpoint", "same", "arn:endpoint/same"))
    assert registry.get("endpoint", "same") is not None
    assert registry.find("arn:endpoint/same") == registry.get("endpoint", "same")


def test_a_deleted_resource_takes_its_tags_along(registry: Registry) -> None:
    registry.create(resource("m"), {"key": "value"})
    assert registry.tags("arn:model/m") == {"key": "value"}
    assert registry.delete("model", "m")
    assert not registry.delete("model", "m")
    registry.create(resource("m"))
    assert registry.tags("arn:model/m") == {}


def test_tags_are_replaced_and_removed_by_key(registry: Registry) -> None:
    registry.create(resource("m"), {"a": "1", "b": "2"})
    registry.put_tags("arn:model/m", {"b": "3", "c": "4"})
    registry.delete_tags("arn:model/m", ["a", "never there"])
    assert registry.tags("arn:model/m") == {"b": "3", "c": "4"}


def test_a_change_that_raises_leaves_the_resource_as_it_was(registry: Registry) -> None:
    registry.create(resource("m", Number=1))

    def change(before: StoredResource) -> StoredResource:
        raise ValueError(before.name)

    with pytest.raises(ValueError, match="m"):
        registry.update("model", "m", change)
    assert registry.get("model", "m") == resource("m", Number=1)


def test_a_transaction_that_raises_changes_nothing(registry: Registry) -> None:
    with pytest.raises(ZeroDivisionError), registry.transaction():
        registry.create(resource("m"))
        raise ZeroDivisionError
    assert registry.get("model", "m") is None


def test_no_change_of_many_threads_is_lost(registry: Registry) -> None:
    registry.create(resource("m", Number=0))

    def count() -> None:
        for _ in range(25):
            registry.update("model", "m", lambda before: before.changed(Number=before.body["Number"] + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = registry.get("model", "m")
    assert found is not None
    assert found.body["Number"] == 100


def test_equal_times_are_ordered_by_name(registry: Registry) -> None:
    for name in ("b", "a", "c"):
        registry.create(resource(name, created=7.0))
    assert [found.name for found in registry.select(Query("model"))] == ["a", "b", "c"]
    assert [found.name for found in registry.select(Query("model", descending=True))] == ["c", "b", "a"]


def test_a_selection_goes_on_behind_the_last_resource_seen(registry: Registry) -> None:
    for name, created in (("a", 1.0), ("b", 1.0), ("c", 2.0), ("d", 3.0)):
        registry.create(resource(name, created))
    assert [found.name for found in registry.select(Query("model", after=(1.0, "a"), limit=2))] == ["b", "c"]
    downwards = Query("model", descending=True, after=(2.0, "c"))
    assert [found.name for found in registry.select(downwards)] == ["b", "a"]


def test_everything_answered_survives_the_death_of_the_service(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "registry.sqlite")], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    answered = [int(writer.stdout.readline()) for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    answered += [int(line) for line in writer.stdout]
    writer.stdout.close()
    writer.wait()
    with closing(Registry(tmp_path / "registry.sqlite")) as registry:
        assert {f"m{number}" for number in answered} <= {found.name for found in registry.select(Query("model"))}


WRITER = """
import sys
from pathlib import Path
from embedded_aws.sagemaker.registry import StoredResource, Registry
registry = Registry(Path(sys.argv[1]))
for number in range(10_000):
    registry.create(StoredResource("model", f"m{number}", f"arn:{number}"))
    print(number, flush=True)
"""
