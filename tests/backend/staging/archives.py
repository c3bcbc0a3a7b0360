"""Archives made by hand, whole and broken."""

from __future__ import annotations

import io
import pickle
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backend.staging.drawing import draw
from backend.staging.labels import FINE_LABELS

MakeArchive = Callable[[Mapping[str, bytes]], Path]
"""Writes an archive with these members, by name, and returns its path."""


def write_archive(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a tar.gz with these members, by name."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def small_members() -> dict[str, bytes]:
    """The members of a small CIFAR-100: two bicycles and two motorcycles in each split."""
    return {
        "cifar-100-python/meta": pickle.dumps({b"fine_label_names": [name.encode() for name in FINE_LABELS]}),
        "cifar-100-python/train": pickle.dumps(batch(seed=1), protocol=4),
        "cifar-100-python/test": pickle.dumps(batch(seed=2), protocol=4),
    }


def batch(seed: int, **changes: Any) -> dict[bytes, Any]:
    """What a small CIFAR batch unpickles to, with some of its values changed."""
    content: dict[bytes, Any] = {
        b"filenames": [
            b"bike_s_000001.png",
            b"motorcycle_s_000007.png",
            b"bike_s_000002.png",
            b"minibike_s_000003.png",
        ],
        b"batch_label": b"training batch 1 of 1",
        b"fine_labels": [8, 48, 8, 48],
        b"coarse_labels": [18, 18, 18, 18],
        b"data": np.random.default_rng(seed).integers(0, 256, (4, 3072), dtype=np.uint8),
    }
    return content | {name.encode(): value for name, value in changes.items()}


def alike_members() -> dict[str, bytes]:
    """Of an archive of drawn bicycles and motorcycles of which three test images are train images, one paler."""
    drawn = [draw(label, "train", number) for label in ("bicycle", "motorcycle") for number in range(6)]
    paler = np.clip((drawn[1].astype(float) - 128) * 0.8 + 128, 0, 255).astype(np.uint8)
    splits = {"train": drawn, "test": [drawn[0], paler, drawn[6], draw("motorcycle", "test", 0)]}
    members = small_members()
    for split, images in splits.items():
        content = {
            "filenames": [f"{split}_{number}.png".encode() for number in range(len(images))],
            "fine_labels": [8] * (len(images) // 2) + [48] * (len(images) // 2),
            "data": np.stack(images).transpose(0, 3, 1, 2).reshape(len(images), -1),
        }
        members[f"cifar-100-python/{split}"] = pickle.dumps(batch(0, **content), protocol=4)
    return members
