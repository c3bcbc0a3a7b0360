"""Lines that a stranger may have written: each is read or set aside, and all others are read."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring.records import BrokenLine, Inference, read_lines
from tests.bombs.pictures import BOMBS
from tests.capture_lines import capture_line as line

DELIVERED = datetime(2026, 1, 2, 4, tzinfo=UTC)
Put = Callable[..., str]


def read(content: bytes) -> Inference | BrokenLine:
    [result] = read_lines(content, DELIVERED)
    return result


def answering(data: str, encoding: str = "JSON") -> bytes:
    return line([], captureData__endpointOutput__data=data, captureData__endpointOutput__encoding=encoding)


BROKEN = {
    "year 1 with an offset": (line([0.9, 0.1], time="0001-01-01T00:00:00+10:00"), "outside of the calendar"),
    "year 9999 with an offset": (line([0.9, 0.1], time="9999-12-31T23:59:59-10:00"), "outside of the calendar"),
    "year 9999": (line([0.9, 0.1], time="9999-01-01T00:00:00Z"), "more than a day after the file was written"),
    "later than its file": (line([0.9, 0.1], time="2026-01-03T04:00:01Z"), "a day after the file was written"),
    "before SageMaker": (line([0.9, 0.1], time="2016-12-31T23:59:59Z"), "there was no SageMaker"),
    "100,000 brackets": (b'{"x":' + b"[" * 100_000 + b"\n", "nested too deep"),
    "100,000 closed brackets": (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "nested too deep"),
    "100,000 braces": (b'{"x":' * 100_000 + b"\n", "nested too deep"),
    "brackets in an answer": (answering("[" * 100_000), "Expected `float`, got `array`"),
    "beyond 1 and below 0": (answering("[5.0, -3]"), "no probabilities from 0 to 1"),
    "below 0": (answering("[1.0, -0.1]"), "no probabilities from 0 to 1"),
    "NaN": (answering("[NaN, NaN]"), "malformed"),
    "nan as CSV": (answering("nan,nan", "CSV"), "malformed"),
    "endless": (answering("[1e999, 0]"), "out of range"),
    "a long id": (line([0.9, 0.1], eventMetadata__inferenceId="x" * 257), "more than 256 characters"),
    "half a character as id": (line([0.9, 0.1], eventMetadata__inferenceId="\ud800"), ""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_that_no_endpoint_wrote_is_set_aside_with_its_reason(name: str) -> None:
    content, reason = BROKEN[name]
    result = read(content)
    assert isinstance(result, BrokenLine)
    assert reason in result.reason
    assert len(result.reason) <= 200


@pytest.mark.parametrize("time_", ["2017-01-01T00:00:00Z", "2026-01-03T04:00:00Z", "2026-01-02T03:04:05"])
def test_a_time_at_which_there_can_have_been_an_inference_is_read(time_: str) -> None:
    result = read(line([0.9, 0.1], time=time_))
    assert isinstance(result, Inference)
    assert result.time.replace(tzinfo=None) == datetime.fromisoformat(time_).replace(tzinfo=None)


def test_a_probability_that_float32_rounds_above_one_is_read() -> None:
    assert isinstance(read(answering("[1.0000001192092896, 0.0]")), Inference)


def test_broken_lines_leave_the_page_and_the_files_after_them(captures: Environment, put: Put) -> None:
    broken = [content for name, (content, _) in BROKEN.items() if name != "later than its file"]  # written just now
    for number, content in enumerate(broken):
        put(content, name=f"a-{number}")
    put(line([0.9, 0.1]), name="z")
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport(len(broken) + 1, 1, len(broken))
    summary = monitoring.capture_summary(captures)
    assert summary is not None
    assert summary.last_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"captureData__endpointInput__data": "no base64!"}, "not what its encoding says"),
        ({"captureData__endpointInput__data": base64.b64encode(b"no image").decode()}, "is not a PNG or JPEG image"),
        (
            {"captureData__endpointInput__data": base64.b64encode(BOMBS["1 x 400,000"]()).decode()},
            "has 1 x 400,000 pixels",
        ),
        ({"captureData__endpointInput__data": "1,2,3", "captureData__endpointInput__encoding": "CSV"}, "is not a PNG"),
    ],
)
def test_an_input_that_cannot_be_shown_is_said_to_be(
    captures: Environment, put: Put, change: dict[str, Any], problem: str
) -> None:
    put(line([0.9, 0.1], **change))
    monitoring.refresh_captures(captures)
    detail = monitoring.capture_detail(captures, int(monitoring.confidences(captures)["record_id"][0]))
    assert (detail.image, detail.probabilities) == (None, (0.9, 0.1))
    assert problem in str(detail.image_problem)


@pytest.mark.parametrize("odd", ["b\nb", "b\x01b", "b\x7fb", "b//b", "\n"])
def test_a_key_that_cannot_be_a_capture_file_is_passed_over(captures: Environment, put: Put, odd: str) -> None:
    for name in ("a", odd, "z"):
        put(line([0.9, 0.1]), name=name)
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport(2, 2, 0)
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport()


def test_20_000_broken_lines_are_all_counted_and_their_reasons_are_few(captures: Environment, put: Put) -> None:
    content = b"".join(b" " * (number % 300) + b"x\n" for number in range(20_000))  # the reason says where
    put(content + line([0.9, 0.1]))
    started = time.process_time()
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport(1, 1, 20_000)
    assert time.process_time() - started < 5
    summary = monitoring.capture_summary(captures)
    assert summary is not None
    assert (summary.quarantined, sum(summary.quarantine_reasons.values())) == (20_000, 20_000)
    assert 1 < len(summary.quarantine_reasons) <= 20


# Answers of JSON Lines, as the built-in image classification writes them


JSON_LINES = {
    "one line": ('{"prediction": [0.25, 0.75]}', [[0.25, 0.75]]),
    "a newline at the end": ('{"prediction": [0.25, 0.75]}\n', [[0.25, 0.75]]),
    "no spaces": ('{"prediction":[0.25,0.75]}', [[0.25, 0.75]]),
    "several lines": ('{"prediction": [0.25, 0.75]}\n{"prediction": [0.5, 0.5]}\n', [[0.25, 0.75], [0.5, 0.5]]),
    "Windows' line ends": ('{"prediction": [0.25, 0.75]}\r\n{"prediction": [1, 0]}\r\n', [[0.25, 0.75], [1, 0]]),
    "a line each without a name": ("[0.25, 0.75]\n[0.5, 0.5]", [[0.25, 0.75], [0.5, 0.5]]),
    "CSV of several lines": ("0.25,0.75\n0.5,0.5\n", [[0.25, 0.75], [0.5, 0.5]]),
    "one list over several lines": ("[\n  0.25,\n  0.75\n]", [[0.25, 0.75]]),
    "one object over several lines": ('{"prediction":\n[0.25, 0.75]\n}', [[0.25, 0.75]]),
}


@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
@pytest.mark.parametrize("name", JSON_LINES)
def test_each_prediction_of_an_answer_is_an_inference(name: str, encoding: str) -> None:
    text, expected = JSON_LINES[name]
    content = answering(base64.b64encode(text.encode()).decode() if encoding == "BASE64" else text, encoding)
    results = list(read_lines(content, DELIVERED))
    assert [result.probabilities for result in results if isinstance(result, Inference)] == expected
    assert {(result.offset, result.length) for result in results} == {(0, len(content))}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"prediction": []}', "holds no probabilities"),
        ('{"prediction": [0.5, 7]}', "no probabilities from 0 to 1"),
        ('{"predicted": [0.5, 0.5]}', "missing required field"),
        ('{"prediction": [0.5, 0.5]}\n{"prediction": []}', "holds no probabilities"),
        ('{"prediction": [0.5, 0.5]}\n' * 10_001, "more than 10,000 lines"),
        ("", "holds no probabilities"),
        (" \n", "holds no probabilities"),
    ],
)
def test_an_answer_of_which_any_part_is_none_is_set_aside_whole(text: str, reason: str) -> None:
    result = read(answering(text))
    assert isinstance(result, BrokenLine)
    assert reason in result.reason


def test_each_inference_of_a_line_shows_its_own_answer(captures: Environment, put: Put) -> None:
    put(line([0.9, 0.1]) + answering('{"prediction": [0.25, 0.75]}\n{"prediction": [0.5, 0.5]}\n'))
    assert monitoring.refresh_captures(captures) == monitoring.IngestReport(1, 3, 0)
    records = monitoring.confidences(captures)["record_id"]
    shown = [monitoring.capture_detail(captures, int(record_id)).probabilities for record_id in records]
    assert sorted(shown) == [(0.25, 0.75), (0.5, 0.5), (0.9, 0.1)]


def test_a_bucket_of_which_no_line_can_be_read_is_not_taken_for_empty(captures: Environment, put: Put) -> None:
    put(b"{\n" + answering("[7]"))
    monitoring.refresh_captures(captures)
    summary = monitoring.capture_summary(captures)
    assert summary is not None
    assert (summary.records, summary.files, summary.last_at, summary.quarantined) == (0, 1, None, 2)
    assert len(summary.quarantine_reasons) == 2
