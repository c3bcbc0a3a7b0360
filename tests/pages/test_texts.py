"""Texts that other people chose, and values of any kind, as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from backend.workflow import Execution, StateVisit
from pages.shared.text import as_text
from pages.test_images.execution import content_text, ending_text, shortened, visit_titles

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "64 train and 16 test synthetic images of bicycle and motorcycle.",
        "bicycle_drawn_000017-0123456789abcdef",
        "There is no image uploads/one.png in bucket scones-1. Stage the images again.",
        'Job scones-1: Completed. (Validation accuracy 0.9, 2 of 3; "best" so far - it\'s 50% more!)',
        "ü-名前",
        "",
    ],
)
def test_a_plain_sentence_stays_as_it_is(text: str) -> None:
    assert as_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("__init__", "`__init__`"),
        ("see http://e.example.", "see `http://e.example`."),
        ("`a`` b", "``` `a`` ``` b"),
        ("1. first", "`1`. first"),
        ("- first", "`-` first"),
        ("a\n\n# b", "a `#` b"),
        ("\x1b[31m", "`\u241b[31m`"),
        ("\u202egnp.exe", "`\ufffdgnp.exe`"),
    ],
)
def test_a_word_on_which_markdown_might_act_is_code(text: str, shown: str) -> None:
    assert as_text(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * 200, "x" * 120 + "... (200 characters)"),
        (list(range(1_234)), [*range(100), "... (1,234 items)"]),
        ({str(number): 0 for number in range(101)}, {str(number): 0 for number in range(100)} | {"...": "101 members"}),
        ([["x" * 121], 1.5, None], [["x" * 120 + "... (121 characters)"], 1.5, None]),
    ],
)
def test_a_long_value_is_cut_and_says_how_long_it_is(value: Any, shown: Any) -> None:
    assert shortened(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "none"), (True, "true"), (False, "false"), (7, "7"), ("a", "a")])
def test_a_single_value_is_shown_in_jsons_words(value: Any, shown: str) -> None:
    assert content_text(value) == shown


def test_a_state_that_is_entered_again_has_its_number() -> None:
    visits = [StateVisit(name, "succeeded", AT) for name in ("A", "A (2)", "A", "B", "A")]
    assert visit_titles(visits) == ["A", "A (2)", "A (2)'", "B", "A (3)"]


@pytest.mark.parametrize(
    ("status", "error", "cause", "text"),
    [
        ("FAILED", "Broken", '{"errorMessage": "no image", "errorType": "Broken"}', "Broken: no image"),
        ("FAILED", "Broken", "no JSON", "Broken: no JSON"),
        ("FAILED", "Broken", None, "Broken"),
        ("FAILED", None, None, "It failed, and no cause was given."),
        ("ABORTED", None, None, "It was stopped, and no cause was given."),
        ("ABORTED", "", "enough", "enough"),
        ("TIMED_OUT", None, None, "It timed out, and no cause was given."),
        ("FAILED", "E", "x" * 501, "E: " + "x" * 500 + "... (501 characters)"),
    ],
)
def test_an_ending_is_told_by_whatever_is_known_of_it(
    status: str, error: str | None, cause: str | None, text: str
) -> None:
    execution = Execution("one", status, AT, AT, input=None, error=error, cause=cause)
    assert ending_text(execution) == text
