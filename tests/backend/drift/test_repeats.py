"""A picture sent again and again is news once; traffic drawn from a small set is hardly thinned out."""

from __future__ import annotations

import numpy as np
import pytest

from backend.drift import repeats

NONE = np.zeros(0, np.uint64)


def news(*contents: int, last: tuple[int, ...] = ()) -> list[bool]:
    found: list[bool] = repeats.are_news(np.array(contents, np.uint64), np.array(last, np.uint64)).tolist()
    return found


def test_what_comes_again_at_once_is_no_news() -> None:
    assert news(1, 1, 1, 2, 1) == [True, False, False, True, False]


def test_what_comes_again_after_ten_records_is_news() -> None:
    assert news(1, *range(2, 11), 1)[-1]
    assert not news(1, *range(2, 10), 1)[-1]


def test_a_repetition_of_a_repetition_is_none_either_however_long_a_burst_lasts() -> None:
    assert sum(news(*([7, 0] * 50))) == 51  # the unknown ones between them, and one


def test_unknown_contents_are_always_news() -> None:
    assert news(0, 0, 0) == [True, True, True]


def test_records_in_pieces_are_news_as_they_are_at_once() -> None:
    contents = np.random.default_rng(0).integers(0, 30, 500).astype(np.uint64)
    last, found = NONE, []
    for start in range(0, 500, 7):
        part = contents[start : start + 7]
        found += repeats.are_news(part, last).tolist()
        last = repeats.newest(part, last)
    assert found == repeats.are_news(contents, NONE).tolist()


@pytest.mark.parametrize(("pictures", "least"), [(200, 0.94), (50, 0.82), (10, 0.37)])
def test_traffic_drawn_from_a_few_pictures_goes_on_counting(pictures: int, least: float) -> None:
    """A picture is news where the nine before are others: (1 - 1 / pictures) ** 9, less some chance."""
    contents = np.random.default_rng(0).integers(1, pictures + 1, 20_000).astype(np.uint64)
    assert repeats.are_news(contents, NONE).mean() > least
