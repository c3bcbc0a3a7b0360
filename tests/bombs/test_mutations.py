"""Thousands of archives, images and capture lines, changed at random."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bombs.measure import measure

pytest.importorskip("hypothesis")
pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory's limit needs Linux")
KINDS = ("archives", "pictures", "lines")


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_changed_at_random_is_read_or_refused_at_little_cost(kind: str) -> None:
    assert measure("tests.bombs.mutations", kind, "150").answer == "done"


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_10_000_that_were_changed_at_random_are_read_or_refused_at_little_cost(kind: str) -> None:
    assert measure("tests.bombs.mutations", kind, "10000", seconds=600).answer == "done"
