"""Counts and lists as sentences have them."""

from __future__ import annotations

import pytest

from backend.wording import count_of, enumerated


@pytest.mark.parametrize(("count", "text"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1200, "1,200 files")])
def test_a_count_has_its_noun_in_the_right_number(count: int, text: str) -> None:
    assert count_of(count, "file") == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcde"), "a, b, c, d and e"),
        (list("abcdefg"), "a, b, c, d and 3 more"),
    ],
)
def test_names_read_as_a_sentence(names: list[str], text: str) -> None:
    assert enumerated(names) == text
