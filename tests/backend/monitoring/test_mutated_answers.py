"""Captured answers and inputs of every format, changed at random: read as JSON reads them, or set aside in words."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

pytest.importorskip("hypothesis", reason="it comes with requirements-test.txt")
from hypothesis import given
from hypothesis import strategies as st

from backend.monitoring.records import BrokenLine, Inference, decode_record, read_image, read_lines
from tests.capture_lines import IMAGE, capture_line
from tests.mutating import run, with_changes

DELIVERED = datetime(2026, 1, 2, 4, tzinfo=UTC)
PROBABILITIES = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=4)
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.text(max_size=3), st.sampled_from(["\n", "{}", "[", "}", "NaN", "-1", '"prediction"', "1e999", "\\"])
        ),
        st.integers(0, 5),
    ),
    max_size=3,
)


def _formatted(form: str, predictions: list[list[float]]) -> str:
    match form:
        case "JSON Lines":
            return "".join(json.dumps({"prediction": values}) + "\n" for values in predictions)
        case "CSV":
            return "\n".join(",".join(map(str, values)) for values in predictions)
        case _:
            return "\n".join(json.dumps(values) for values in predictions)


@given(st.sampled_from(["JSON Lines", "CSV", "JSON"]), PROBABILITIES, CHANGES, st.booleans())
def answer(form: str, predictions: list[list[float]], changes: list[tuple[float, str, int]], is_base64: bool) -> None:
    text = with_changes(_formatted(form, predictions), changes)
    data = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode() if is_base64 else text
    encoding = {"captureData__endpointOutput__encoding": "BASE64" if is_base64 else "JSON"}
    whole = capture_line([0.9, 0.1])
    changed = capture_line([], captureData__endpointOutput__data=data, **encoding)
    first, *between, last = read_lines(whole + changed + whole, DELIVERED)
    assert isinstance(first, Inference)
    assert isinstance(last, Inference)
    if text.strip() == _formatted(form, predictions).strip():
        assert [item.probabilities for item in between if isinstance(item, Inference)] == predictions
    for item in between:
        assert (item.offset, item.length) == (len(whole), len(changed))
        if isinstance(item, BrokenLine):
            assert 0 < len(item.reason) <= 200
            assert len(between) == 1
        else:
            assert item.probabilities
            assert all(0 <= value <= 1.00001 for value in item.probabilities)


@given(
    st.one_of(st.text(), st.binary().map(lambda content: base64.b64encode(content).decode())), CHANGES, st.booleans()
)
def captured_input(data: str, changes: list[tuple[float, str, int]], is_image: bool) -> None:
    text = with_changes(base64.b64encode(IMAGE).decode() if is_image else data, changes)
    record = decode_record(
        capture_line([0.9, 0.1], captureData__endpointInput__data=text.encode("utf-8", "replace").decode())
    )
    image, problem = read_image(record.capture_data.endpoint_input)
    assert (image is None) == (problem is not None)
    assert problem is None or problem.startswith("The captured input ")


def test_what_was_captured_and_changed_at_random_is_read_or_set_aside() -> None:
    run(300, answer, captured_input)


@pytest.mark.slow
def test_10_000_that_were_captured_and_changed_at_random_are_read_or_set_aside() -> None:
    run(10_000, answer, captured_input)
