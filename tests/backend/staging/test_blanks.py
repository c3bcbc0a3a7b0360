from __future__ import annotations

import numpy as np
import pytest

from backend.staging.blanks import draw_blank

SOME = 400


@pytest.fixture(scope="module")
def blanks() -> np.ndarray:
    return np.stack([draw_blank("train", number) for number in range(SOME)])


def test_a_blank_is_an_image_as_the_archive_has_them(blanks: np.ndarray) -> None:
    assert blanks.shape == (SOME, 32, 32, 3)
    assert blanks.dtype == np.uint8


def test_the_same_blank_is_drawn_each_time() -> None:
    assert np.array_equal(draw_blank("test", 12), draw_blank("test", 12))


def test_no_split_holds_a_noise_of_another() -> None:
    drawn = {draw_blank(split, 2).tobytes() for split in ("train", "validation", "test", "foreign")}
    assert len(drawn) == 4


def test_blanks_hardly_repeat(blanks: np.ndarray) -> None:
    distinct = len({blank.tobytes() for blank in blanks})
    assert distinct > 0.95 * SOME  # black and white frames without noise are the same picture


def test_there_are_frames_without_anything_and_frames_full_of_noise(blanks: np.ndarray) -> None:
    deviation = blanks.astype(float).std(axis=(1, 2)).mean(1)
    assert (deviation < 5).mean() > 0.1
    assert (deviation > 50).mean() > 0.1


def test_blanks_are_dark_and_bright_and_in_between(blanks: np.ndarray) -> None:
    light = blanks.mean(axis=(1, 2, 3))
    assert min((light < 30).mean(), (light > 225).mean()) > 0.05
    assert ((light > 30) & (light < 225)).mean() > 0.4


def test_some_blanks_are_gray_and_some_have_colors(blanks: np.ndarray) -> None:
    colored = (np.ptp(blanks.astype(int), axis=3).mean(axis=(1, 2)) > 10).mean()
    assert 0.2 < colored < 0.8


def test_few_blanks_hold_every_kind() -> None:
    """Frames are even, noise is not like its neighbors, gradients and patterns are."""
    few = np.stack([draw_blank("validation", number) for number in range(8)]).astype(float)
    steps = np.abs(np.diff(few, axis=1)).mean(axis=(1, 2, 3))
    assert steps.min() < 3
    assert steps.max() > 30
