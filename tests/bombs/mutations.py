"""Archives, images and capture lines, changed at random: read or refused, within limits of memory and time.

Called in a process of its own (see `measure`): its memory is limited from the start, and each change has a deadline.
"""

from __future__ import annotations

import io
import resource
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.errors import InvalidArchive, InvalidImage
from backend.monitoring.records import BrokenLine, Inference, read_lines
from backend.staging.cifar import read_archive
from backend.staging.pictures import check_picture
from embedded_aws.sagemaker.containers.image_classification.pictures import UnreadableImage, decode, fit
from tests.backend.staging.archives import small_members
from tests.bombs.measure import MAX_MEGABYTES, MAX_SECONDS
from tests.bombs.pictures import png, saved
from tests.capture_lines import capture_line

DELIVERED = datetime(2026, 1, 2, 4, tzinfo=UTC)
Change = tuple[str, float, int, bytes]
_changes = st.lists(
    st.tuples(
        st.sampled_from(["replace", "insert", "delete", "repeat"]),
        st.floats(0, 1),
        st.integers(1, 64),
        st.one_of(
            st.binary(min_size=1, max_size=8),
            st.sampled_from(
                [b"]", b"\x8f", b"}", b"(", b"0", b"\x86", b"q\x00h\x00", b"R", b"b", b"\xff" * 4, b"9" * 30]
            ),
            st.sampled_from([b"NaN", b"1e999", b"[[[[", b"-1", b"null", b"9999-12-31", b'"', b"\\ud800", b"\n"]),
        ),
    ),
    min_size=1,
    max_size=6,
)


def mutated(content: bytes, changes: Sequence[Change]) -> bytes:
    """The content after some changes, each at a share of its length."""
    for kind, share, count, value in changes:
        place = int(share * len(content))
        behind = content[place + (len(value) if kind == "replace" else count if kind == "delete" else 0) :]
        between = {"delete": b"", "repeat": value * count * 50}.get(kind, value)
        content = content[:place] + between + behind
    return content


def archives(examples: str) -> str:
    """A member changed in an archive that is whole otherwise, or the tar around the members."""
    members = small_members()
    tar = io.BytesIO()
    write(tar, members)

    @settled(int(examples))
    @given(_changes, st.sampled_from([*members, "tar"]))
    def change(changes: Sequence[Change], target: str) -> None:
        file = io.BytesIO()
        if target == "tar":
            file.write(mutated(tar.getvalue(), changes))
        else:
            write(file, members | {target: mutated(members[target], changes)})
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            Path(archive.name).write_bytes(file.getvalue())
            try:
                batches = read_archive(Path(archive.name))
            except InvalidArchive as error:
                assert 0 < len(str(error)) < 600
            else:
                assert all(len(batch.images) == len(batch.filenames) for batch in batches.values())

    change()
    return "done"


def write(file: io.BytesIO, members: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def pictures(examples: str) -> str:
    """A picture's bytes changed, seen by the app and by the containers."""
    originals = [png(40, 30, kind=2), png(9, 9), saved("JPEG")(), saved("JPEG", progressive=True)(), saved("GIF")()]

    @settled(int(examples))
    @given(_changes, st.sampled_from(originals))
    def change(changes: Sequence[Change], original: bytes) -> None:
        content = mutated(original, changes)
        try:
            assert check_picture("it", content) in {"image/png", "image/jpeg"}
        except InvalidImage as error:
            assert str(error).startswith("it ")
        try:
            assert fit(decode(content, (32, 32)), (32, 32)).shape == (32, 32, 3)
        except UnreadableImage as error:
            assert str(error)

    change()
    return "done"


def lines(examples: str) -> str:
    """A capture line changed, between two that are whole."""
    whole = capture_line([0.9, 0.1])

    @settled(int(examples))
    @given(_changes)
    def change(changes: Sequence[Change]) -> None:
        results = list(read_lines(whole + mutated(whole[:-1], changes).replace(b"\n", b" ") + b"\n" + whole, DELIVERED))
        assert isinstance(results[0], Inference)
        assert isinstance(results[-1], Inference)
        for result in results:
            if isinstance(result, BrokenLine):
                assert len(result.reason) <= 200
            else:
                assert all(0 <= value <= 1.00001 for value in result.probabilities)
                assert result.time <= DELIVERED + timedelta(days=1)

    change()
    return "done"


def settled(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many examples, the same ones each time, each within the limits."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (MAX_MEGABYTES << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return settings(
        max_examples=examples,
        deadline=timedelta(seconds=MAX_SECONDS),
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
