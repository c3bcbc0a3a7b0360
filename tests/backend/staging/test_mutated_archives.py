"""Archives of every protocol and packing, changed at random: read or refused in words, and nothing else happens."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="it comes with requirements-test.txt")
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidArchive
from backend.staging.cifar import read_archive
from backend.staging.labels import FINE_LABELS
from tests.mutating import run, with_changes

PACKERS = [bytes, gzip.compress, bz2.compress, lzma.compress]
LABELS: list[Any] = [[8, 48], (8, 48), np.array([8, 48]), list(np.array([8, 48], dtype=np.int16))]
NAMES: list[Any] = [[b"a.png", b"b.png"], ("a.png", "b.png"), np.array(["a.png", "b.png"]), np.array([b"a", b"b"])]
PIXELS = np.random.default_rng(5).integers(0, 256, (2, 3072), dtype=np.uint8)
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(
            st.binary(max_size=6), st.sampled_from([b"R", b"b", b"t", b"g1\n", b"h\x01", b"V\\ud800\n", b"\xff" * 8])
        ),
        st.integers(0, 12),
    ),
    max_size=4,
)


def _archive(members: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return raw.getvalue()


@given(
    protocol=st.integers(0, 5),
    labels=st.sampled_from(LABELS),
    names=st.sampled_from(NAMES),
    is_pixels_first=st.booleans(),
    packer=st.sampled_from(PACKERS),
    changes=CHANGES,
    target=st.sampled_from(["meta", "train", "packed"]),
)
def change(
    protocol: int, labels: Any, names: Any, is_pixels_first: bool, packer: Any, changes: Any, target: str
) -> None:
    parts = {"filenames": names, "fine_labels": labels, "data": PIXELS}
    batch = pickle.dumps(dict(reversed(parts.items())) if is_pixels_first else parts, protocol)
    members = {"meta": pickle.dumps({"fine_label_names": list(FINE_LABELS)}, protocol), "train": batch, "test": batch}
    if target in members:
        # Most of a batch is pixels, of which any are good: what is around them is changed more often.
        members[target] = with_changes(members[target], changes, end=1.0 if is_pixels_first else 0.1)
    packed = packer(_archive(members))
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        Path(file.name).write_bytes(with_changes(packed, changes) if target == "packed" else packed)
        try:
            batches = read_archive(Path(file.name))
        except InvalidArchive as error:
            assert changes
            assert 0 < len(str(error)) < 600
            return
    for read in batches.values():
        assert read.images.shape == (len(read.filenames), 32, 32, 3)
        assert len(read.fine_labels) == len(read.filenames)
        assert all(isinstance(name, str) for name in read.filenames)


def test_an_archive_that_was_changed_at_random_is_read_or_refused() -> None:
    run(120, change)


@pytest.mark.slow
def test_10_000_archives_that_were_changed_at_random_are_read_or_refused() -> None:
    run(10_000, change)
