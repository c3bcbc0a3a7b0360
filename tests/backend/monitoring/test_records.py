"""Lines that a stranger may have written: each is read or set aside, and all others are read."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring.plain import read_plain
from backend.monitoring.records import BrokenLine, Inference, read_file, read_lines
from tests.bombs.pictures import BOMBS
from tests.capture_lines import IMAGE
from tests.capture_lines import capture_line as line

DELIVERED = datetime(2026, 1, 2, 4, tzinfo=UTC)
Put = Callable[..., str]


def read(content: bytes) -> Inference | BrokenLine:
    [result] = read_lines(content, DELIVERED)
    return result


def answering(data: str, encoding: str = "JSON") -> bytes:
    return line([], captureData__endpointOutput__data=data, captureData__endpointOutput__encoding=encoding)


def details(environment: Environment) -> list[monitoring.CapturedInference]:
    """What is shown of each record of the project's own source."""
    source = monitoring.project_source(environment)
    always = monitoring.Selection(datetime(2017, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    frame = monitoring.newest(environment, source, always, 100)
    return [monitoring.capture_detail(environment, source, int(record_id)) for record_id in frame["record_id"]]


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
    contents = monitoring.capture_contents(captures)
    assert contents is not None
    assert contents.last_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


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
    [detail] = details(captures)
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
    contents = monitoring.capture_contents(captures)
    assert contents is not None
    assert (contents.quarantined, sum(contents.quarantine_reasons.values())) == (20_000, 20_000)
    assert 1 < len(contents.quarantine_reasons) <= 20


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
    assert sorted(detail.probabilities for detail in details(captures)) == [(0.25, 0.75), (0.5, 0.5), (0.9, 0.1)]


def test_a_bucket_of_which_no_line_can_be_read_is_not_taken_for_empty(captures: Environment, put: Put) -> None:
    put(b"{\n" + answering("[7]"))
    monitoring.refresh_captures(captures)
    contents = monitoring.capture_contents(captures)
    assert contents is not None
    assert (contents.records, contents.files, contents.last_at, contents.quarantined) == (0, 1, None, 2)
    assert len(contents.quarantine_reasons) == 2


# Whole files, in columns


def over_two_lines_and_two_in_one(cut: bytes) -> bytes:
    """A record that goes on in another line, then a line of two records: as many records as lines."""
    whole = line([0.9, 0.1])
    assert cut in whole
    return whole.replace(cut, cut[:1] + b"\n" + cut[1:], 1) + whole[:-1] + whole


NOT_PLAIN = {
    "no newline at the end": (line([0.9, 0.1])[:-1], [0.9]),
    "an empty line": (line([0.9, 0.1]) + b"\n" + line([0.8, 0.2]), [0.9, 0.8]),
    "Windows' line ends": (line([0.9, 0.1]).replace(b"\n", b"\r\n") * 2, [0.9, 0.9]),
    "a carriage return within a record": (line([0.9, 0.1]).replace(b", ", b",\r", 1), []),
    "two records in a line": (line([0.9, 0.1])[:-1] + line([0.9, 0.1]), []),
    "a record cut in two, and two in a line": (over_two_lines_and_two_in_one(b", "), []),
    "the same, cut behind a brace": (over_two_lines_and_two_in_one(b'}, "endpointOutput"'), []),
    "two answers that are one together": (answering("[0.9") + answering("0.1]"), []),
    "one answer that is two": (answering("[0.9, 0.1], [0.8, 0.2]"), []),
    "an answer of each form": (
        answering("[0.9]") + answering('{"prediction": [0.8]}') + answering("0.7"),
        [0.9, 0.8, 0.7],
    ),
    "BASE64 that is none": (answering("[0.9, 0.1]", "BASE64"), []),
    "a time without a zone": (line([0.9, 0.1]) + line([0.8, 0.2], time="2026-01-02T03:04:05"), [0.9, 0.8]),
    "only times without a zone": (line([0.9, 0.1], time="2026-01-02T03:04:05") * 2, [0.9, 0.9]),
    "no answer": (line([0.9]) + line([0.8], captureData__endpointOutput=None), [0.9]),
    "no probabilities": (line([0.9]) + line([]), [0.9]),
    "above 1": (line([0.9]) + line([1.1]), [0.9]),
    "below 0": (line([0.9]) + line([0.8, -0.1]), [0.9]),
    "too late": (line([0.9]) + line([0.8], time="2026-01-03T04:00:01Z"), [0.9]),
    "too early": (line([0.9]) + line([0.8], time="2016-12-31T23:59:59Z"), [0.9]),
    "a long id": (line([0.9]) + line([0.8], eventMetadata__inferenceId="x" * 257), [0.9]),
    "an answer of 10,001 lines": (answering("[" + "0,\n" * 10_001 + "1]") + line([0.9]), [0.9]),
    "the same, cut before a brace": (over_two_lines_and_two_in_one(b' {"endpointInput"'), []),
    "a record cut behind a brace, without a newline at its end": (
        line([0.9]).replace(b'}, "endpointOutput"', b'}\n, "endpointOutput"')[:-1],
        [],
    ),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_a_file_that_is_not_plain_is_read_line_by_line(name: str) -> None:
    content, expected = NOT_PLAIN[name]
    assert read_plain(content, DELIVERED) is None
    assert read_file(content, DELIVERED).confidence == expected


def test_a_plain_file_is_read_whole_into_columns() -> None:
    first = line([0.25, 0.75], time="2026-01-02T03:04:05Z", eventMetadata__customAttributes=["test/a.png"])
    second = line([0.5, 0.5], time="2026-01-02T05:04:05.5+02:00", eventMetadata__inferenceId="é")
    third = line([1, 0, 0], captureData__endpointInput=None)
    content = first + second + third
    assert read_plain(content, DELIVERED) is not None
    read = read_file(content, DELIVERED)
    assert read.offset == [0, len(first), len(first) + len(second)]
    assert read.length == [len(first), len(second), len(third)]
    assert read.position == [0, 0, 0]
    assert read.time == [1_767_323_045_000_000, 1_767_323_045_500_000, 1_767_323_045_000_000]  # date -d ... +%s
    assert (read.confidence, read.class_index) == ([0.75, 0.5, 1.0], [1, 0, 0])
    assert read.inference_id == ["execution-1", "é", "execution-1"]
    assert read.image_key == ["test/a.png", None, None]
    assert (read.inputs, read.broken) == ([], [])


def test_the_predictions_of_a_line_are_counted_and_share_its_input() -> None:
    several = answering('{"prediction": [0.25, 0.75]}\n{"prediction": [0.5, 0.5]}\n')
    read = read_file(line([0.9, 0.1]) + several, DELIVERED, with_inputs=True)
    assert read.position == [0, 0, 1]
    assert read.class_index == [0, 1, 0]
    contents = [request.content() for request in read.inputs if request is not None]
    assert contents == [IMAGE] * 3
    assert read.inputs[1] is read.inputs[2]


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        (["test/a.png"], "test/a.png"),
        (["a", "b"], "a"),
        ("a", "a"),
        ([1, None, ["b"], "a"], "a"),
        ("é" * 1024, "é" * 1024),
        ("a" * 1025, None),
        (["a" * 1025], None),
        ([""], None),
        ([], None),
        (None, None),
        (7, None),
        ({"a": "b"}, None),
        ([1e300, {"a": []}], None),
        (["a%20b%25c.png"], "a b%c.png"),
        (["%C3%BC%E5%90%8D.png"], "ü名.png"),
        (["100%"], "100%"),
        (["%FF"], "%FF"),  # no UTF-8: somebody else's
    ],
)
def test_custom_attributes_may_be_anything_and_their_first_text_is_the_image_key(
    attributes: Any, key: str | None
) -> None:
    read = read_file(line([0.9, 0.1]) + line([0.8], eventMetadata__customAttributes=attributes), DELIVERED)
    assert read.image_key == [None, key]
    assert read.confidence == [0.9, 0.8]


def test_an_images_key_is_read_as_the_workflow_encodes_it() -> None:
    for key in ("test/a b.png", "100%25.png", "ü名\U0001f600\n%.png", "".join(map(chr, range(1, 256)))):
        encoded = quote(key, safe="/")  # another choice of what is encoded than the workflow's
        read = read_file(line([0.9, 0.1], eventMetadata__customAttributes=[encoded]), DELIVERED)
        assert read.image_key == [key]


@pytest.mark.parametrize("value", [b"1e999", b'"\xff"', b'["\xff"]'])
def test_custom_attributes_that_cannot_be_decoded_do_not_break_their_line(value: bytes) -> None:
    content = line([0.9, 0.1], eventMetadata__customAttributes="here").replace(b'"here"', value)
    read = read_file(content, DELIVERED)
    assert (read.image_key, read.confidence, read.broken) == ([None], [0.9], [])


@pytest.mark.parametrize("data", [b"7", b"null", b'{"a": [1]}', b'"\xff"', b'"no base64!"'])
def test_an_input_that_cannot_be_decoded_does_not_break_its_line(data: bytes) -> None:
    content = line([0.9, 0.1], captureData__endpointInput__data="here").replace(b'"here"', data)
    read = read_file(content, DELIVERED, with_inputs=True)
    [request] = read.inputs
    assert (read.confidence, read.broken) == ([0.9], [])
    assert request is not None
    with pytest.raises(ValueError):
        request.content()


def test_an_input_of_text_is_what_was_sent() -> None:
    text = '5.1,3.5 "é"\\\n'
    content = line([0.9, 0.1], captureData__endpointInput__data=text, captureData__endpointInput__encoding="CSV")
    [request] = read_file(content, DELIVERED, with_inputs=True).inputs
    assert request is not None
    assert request.content() == text.encode()


@pytest.mark.parametrize("name", [*BROKEN, "between whole lines"])
def test_a_broken_line_has_its_place_and_reason_among_the_columns(name: str) -> None:
    whole = line([0.9, 0.1])
    broken, reason = BROKEN.get(name, (b"{\n", "truncated"))
    read = read_file(whole + broken + whole, DELIVERED)
    assert (read.confidence, read.offset) == ([0.9, 0.9], [0, len(whole) + len(broken)])
    [result] = read.broken
    assert (result.offset, result.length) == (len(whole), len(broken))
    assert reason in result.reason


def test_files_of_a_real_endpoint_are_plain(captured_files: Path) -> None:
    """What the json module makes of them is what they hold."""
    for file in sorted(captured_files.rglob("*.jsonl")):
        content = file.read_bytes()
        delivered = datetime(2024, 10, 17, tzinfo=UTC)
        assert read_plain(content, delivered) is not None
        read = read_file(content, delivered, with_inputs=True)
        records = [json.loads(text) for text in content.splitlines()]
        answers = [json.loads(record["captureData"]["endpointOutput"]["data"]) for record in records]
        times = [datetime.fromisoformat(record["eventMetadata"]["inferenceTime"]) for record in records]
        assert read.confidence == [max(answer) for answer in answers]
        assert [answer[index] for answer, index in zip(answers, read.class_index, strict=True)] == read.confidence
        assert read.time == [int(time_.timestamp()) * 1_000_000 for time_ in times]
        assert all(request is not None and request.content().startswith(b"\x89PNG") for request in read.inputs)
