"""The .lst files and images of a training, changed at random: read, or refused in a sentence that names the line."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("hypothesis", reason="it comes with requirements-test.txt")
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.sagemaker.containers.image_classification.container import Container, UserError
from embedded_aws.sagemaker.containers.image_classification.samples import read_images
from tests.mutating import repeated, run, with_changes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged EXIF, which is what is handed in

NAMES = ("0.png", "1.png", "deep/2.png", "vélo.png")
CLASSES = 3
MAX_REASON = 1_000  # characters: SageMaker keeps 1,024 of a FailureReason
LABELS = ("0", "1", "2", "1.0", "3", "-1", "0.5", "", "bicycle", "nan", "inf", "1e999", "0x1", "²", "LONG NUMBER")
PATHS = (
    *NAMES,
    *("../evil.png", "/etc/passwd", "deep/../0.png", "deep", "", ".", "..", "missing.png", "list.lst", "0.png/x"),
    *("LONG NAME", "DEEP PATH", "HUGE PATH", "a\tb.png", "line\u2028separator.png", "0.png ", "~/0.png"),
)
LONG = {"LONG NUMBER": "9" * 5000, "LONG NAME": "n" * 300, "DEEP PATH": "d/" * 3000 + "x", "HUGE PATH": "x" * 100_000}
LINES = st.tuples(st.sampled_from(("0", "7", "", "x")), st.sampled_from(LABELS), st.sampled_from(PATHS))
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1")
ENDS = ("\n", "\r\n", "\r")
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [b"\t", b"\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"../", b"x", b"9", b"\xed\xa0\x80"]
            ),
        ),
        st.sampled_from([1, 1, 1, 5000, 200_000]),
        st.integers(0, 8),
    ),
    max_size=3,
)


def png(size: tuple[int, int]) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, (200, 100, 0)).save(content, "PNG")
    return content.getvalue()


PNG = png((32, 32))


@contextmanager
def channels(listed: bytes, last: bytes = PNG) -> Iterator[Container]:
    """A container with four images to train on, the last one of this content, and a .lst file of that."""
    with tempfile.TemporaryDirectory() as base:
        data = Path(base) / "input" / "data"
        for name in NAMES:
            (data / "train" / name).parent.mkdir(parents=True, exist_ok=True)
            (data / "train" / name).write_bytes(last if name == NAMES[-1] else PNG)
        (data / "train_lst").mkdir()
        (data / "train_lst" / "list.lst").write_bytes(listed)
        (data / "evil.png").write_bytes(PNG)
        yield Container(Path(base))


def read(listed: bytes, last: bytes = PNG) -> int | str:
    """How many images were read, or the reason why not."""
    with channels(listed, last) as container:
        try:
            images = read_images(container, "train", CLASSES, (32, 32), None)
        except UserError as error:
            reason = str(error)
            assert re.match(r"list\.lst line \d+\b|Channel train_lst names no images\.", reason)
            assert len(reason.encode()) <= MAX_REASON
            return reason
    assert images.pixels.shape[0] == len(images.labels)
    assert images.pixels.shape[1] == 3
    assert set(images.labels.tolist()) <= set(range(CLASSES))
    return len(images.labels)


def written(lines: list[tuple[str, str, str]], end: str) -> str:
    return "".join("\t".join(LONG.get(field, field) for field in fields) + end for fields in lines)


@given(st.lists(LINES, max_size=4), st.sampled_from(ENDS), st.sampled_from(ENCODINGS), CHANGES)
def list_of_odd_things(
    lines: list[tuple[str, str, str]], end: str, encoding: str, changes: list[tuple[float, bytes, int, int]]
) -> None:
    read(with_changes(written(lines, end).encode(encoding, "replace"), repeated(changes)))


@given(
    st.lists(st.tuples(st.just("0"), st.sampled_from(("0", "1", "2.0")), st.sampled_from(NAMES)), min_size=1),
    st.sampled_from(ENDS),
    CHANGES,
)
def list_as_people_write_it(
    lines: list[tuple[str, str, str]], end: str, changes: list[tuple[float, bytes, int, int]]
) -> None:
    count = read(with_changes(written(lines, end).encode(), repeated(changes)))
    assert changes or count == len(lines)


@given(st.binary())
def anything(content: bytes) -> None:
    read(content)


@given(CHANGES)
def image(changes: list[tuple[float, bytes, int, int]]) -> None:
    lines = [("0", "1", name) for name in NAMES]
    outcome = read(written(lines, "\n").encode(), with_changes(PNG, repeated(changes)))
    assert outcome == len(NAMES) or f"image {NAMES[-1]}" in str(outcome)


def test_a_list_that_was_changed_at_random_is_read_or_refused_with_its_line() -> None:
    run(75, list_of_odd_things, list_as_people_write_it, anything, image)


@pytest.mark.slow
def test_10_000_lists_that_were_changed_at_random_are_read_or_refused_with_their_line() -> None:
    run(2_500, list_of_odd_things, list_as_people_write_it, anything, image)
