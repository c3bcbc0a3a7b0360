"""Captured answers and inputs of every format, changed at random: read as JSON reads them, or set aside in words."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("hypothesis", reason="it comes with requirements-test.txt")
from hypothesis import given
from hypothesis import strategies as st

from backend.monitoring.pictures import PictureState, measure_input
from backend.monitoring.plain import read_plain
from backend.monitoring.records import BrokenLine, Inference, decode_record, read_file, read_image, read_lines
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
    is_measured = measure_input(record.capture_data.endpoint_input).state is PictureState.MEASURED
    assert is_measured == (image is not None)


LINES = st.builds(
    capture_line,
    st.lists(st.floats(0, 1), min_size=1, max_size=3),
    time=st.sampled_from(["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.123456+05:30"]),
    captureData__endpointOutput__encoding=st.sampled_from(["JSON", "CSV"]),
    eventMetadata__inferenceId=st.one_of(st.none(), st.text(max_size=5)),
    eventMetadata__customAttributes=st.one_of(st.none(), st.lists(st.text(min_size=1, max_size=5), max_size=2)),
)
ODD_LINES = st.one_of(
    st.sampled_from([b"\n", b"}\n", b"{\n", b"{}{}\n", b"\r\n"]),
    st.builds(
        capture_line,
        st.lists(st.floats(-0.1, 1.1), max_size=3),
        time=st.sampled_from(["2026-01-02T03:04:05", "0001-01-01T00:00:00+10:00", "2026-01-03T05:00:00Z"]),
        eventMetadata__customAttributes=st.one_of(st.text(), st.lists(st.one_of(st.text(), st.integers()))),
    ),
    st.builds(
        capture_line,
        st.just([]),
        captureData__endpointOutput__data=st.sampled_from(["[0.9", "0.1]", "[1],[0]", "[0.5]\n[0.5]", "0.5", "[0.5] "]),
        captureData__endpointInput=st.sampled_from([None, {"data": 7, "encoding": "JSON"}, {"data": "7"}]),
    ),
)
FILE_CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(st.binary(max_size=3), st.sampled_from([b"\n", b"}\n{", b"}{", b"\r", b"{", b'"data":7,', b"\xe9"])),
        st.integers(0, 5),
    ),
    max_size=2,
)
_plain_files: list[bool] = []


@given(st.lists(LINES, min_size=1, max_size=4), st.lists(ODD_LINES, max_size=1), st.integers(0, 4), FILE_CHANGES)
def whole_file(lines: list[bytes], odd: list[bytes], place: int, changes: list[tuple[float, bytes, int]]) -> None:
    content = with_changes(b"".join(lines[:place] + odd + lines[place:]), changes)
    _plain_files.append(read_plain(content, DELIVERED) is not None)
    read = read_file(content, DELIVERED, with_inputs=True)
    one_by_one = list(read_lines(content, DELIVERED))
    assert read.broken == [line for line in one_by_one if isinstance(line, BrokenLine)]
    inferences = [line for line in one_by_one if isinstance(line, Inference)]
    rows = zip(read.offset, read.length, read.position, read.inference_id, read.image_key, strict=True)
    assert list(rows) == [
        (line.offset, line.length, line.position, line.inference_id, line.image_key) for line in inferences
    ]
    answers = zip(read.confidence, read.class_index, read.inputs, strict=True)
    assert list(answers) == [(line.confidence, line.predicted_index, line.request) for line in inferences]
    assert [datetime.fromtimestamp(0, UTC) + timedelta(microseconds=time) for time in read.time] == [
        line.time for line in inferences
    ]


def test_a_file_is_the_same_whole_and_line_by_line() -> None:
    _plain_files.clear()
    run(200, whole_file)
    assert 40 < sum(_plain_files) < 160  # of each there were some


def test_what_was_captured_and_changed_at_random_is_read_or_set_aside() -> None:
    run(120, answer, captured_input)


@pytest.mark.slow
def test_10_000_that_were_captured_and_changed_at_random_are_read_or_set_aside() -> None:
    run(10_000, answer, captured_input, whole_file)
