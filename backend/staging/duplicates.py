"""Images of a dataset that are the same, or nearly: found by their pixels when it is staged.

Two images are near-duplicates when both their 8 x 8 thumbnails in color and their 16 x 16 thumbnails in gray, each
freed of its brightness and contrast, are within LIMIT of each other: 0 is the same, 2 the negative. Measured on 1,200
photographs of CIFAR-100 and 2,000 of CIFAR-10: the nearest 18 pairs are within the limit, each the same picture or the
same product before the same wall; the 19th is neither. Saved as JPEG of quality 30, made 25 levels brighter, to 0.7 of
their contrast or noisy by 8 levels, every one is found again; cropped by a pixel all around 83 %, moved by a pixel
30 %, mirrored none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from backend.aws.bucket import read_object
from backend.aws.environment import Environment
from backend.staging.dataset import PURPOSES, Dataset
from backend.staging.record import digest_of
from backend.staging.transform import LabelledImage

LIMIT = 0.4
"""How far apart two near-duplicates may be."""
MOST_PAIRS = 2000
"""That are kept: the nearest."""
MOST_FOUND = 100_000
"""Near-duplicates that are counted: an archive of one picture over and over would have more than fit into memory."""
_DIRECTIONS = 32  # by which pairs are looked for
_TILE = 2000  # rows: a product of some megabytes
_ROUNDING = 1e-5
_LEAST = 1e-4  # of images that are not the same in every pixel
_COLOR_SIZE, _GRAY_SIZE = 8, 16  # pixels of a thumbnail, in both directions
_CHUNK = 1000  # images or pairs at once
_FLAT = 2.0  # levels: a picture that varies less shows nothing that could be compared
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_Features = npt.NDArray[np.float32]


class Pair(NamedTuple):
    """Two images, by their splits and names: "train/bike.png". Their distance is 0 where every pixel is the same."""

    first: str
    second: str
    distance: float

    @property
    def is_exact(self) -> bool:
        return self.distance == 0.0

    @property
    def splits(self) -> tuple[str, str]:
        return self.first.partition("/")[0], self.second.partition("/")[0]


@dataclass(frozen=True)
class Duplicates:
    """What was found among so many images within a limit: how many pairs, and the nearest of them, nearest first."""

    images: int
    limit: float
    found: int
    pairs: tuple[Pair, ...]

    @property
    def is_cut(self) -> bool:
        """Whether more was found than is kept."""
        return self.found > len(self.pairs)

    def by_splits(self) -> dict[tuple[str, str], list[Pair]]:
        """The pairs by the two splits that they are in, in the order of the splits; the same twice for within one."""
        found: dict[tuple[str, str], list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault(pair.splits, []).append(pair)
        order = list(PURPOSES)
        return dict(sorted(found.items(), key=lambda item: [order.index(split) for split in item[0]]))

    def twins(self, split: str, of: str) -> int:
        """How many images of a split have one that is the same or nearly in another split, `of`, which comes before."""
        return len({pair.second for pair in self.pairs if pair.splits == (of, split)})

    def of_image(self, path: str) -> list[Pair]:
        """The pairs that an image is in, by its split and name."""
        return [pair for pair in self.pairs if path in (pair.first, pair.second)]


_JSON = TypeAdapter(Duplicates)


def find_duplicates(images: Mapping[str, Sequence[LabelledImage]]) -> Duplicates:
    """The pairs among the images of all splits; the pictures of nothing, which are alike by design, are left out."""
    compared = {
        f"{split}/{image.name}": image
        for split, of_split in images.items()
        for image in of_split
        if not image.name.startswith("blank.")
    }
    paths, pictures = list(compared), list(compared.values())
    copies, alone = _same(pictures)
    near = islice(_near([pictures[place] for place in alone]), MOST_FOUND)
    pairs = [Pair(paths[first], paths[second], 0.0) for first, second in copies]
    pairs += [Pair(paths[alone[first]], paths[alone[second]], distance) for first, second, distance in near]
    return Duplicates(len(paths), LIMIT, len(pairs), tuple(sorted(pairs, key=lambda pair: pair.distance)[:MOST_PAIRS]))


def read_duplicates(environment: Environment, dataset: Dataset) -> Duplicates | None:
    """What was found when the dataset was staged; None when an earlier version did, or it cannot be read."""
    content = read_object(environment, dataset.duplicates_key)
    try:
        return _JSON.validate_json(content) if content is not None else None
    except ValidationError:
        return None


def duplicates_json(images: Mapping[str, Sequence[LabelledImage]]) -> bytes:
    return _JSON.dump_json(find_duplicates(images))


def _same(images: Sequence[LabelledImage]) -> tuple[list[tuple[int, int]], list[int]]:
    """Each image that is there before, with the first that is like it; and those that are not."""
    seen: dict[str, int] = {}
    copies: list[tuple[int, int]] = []
    for place, image in enumerate(images):
        first = seen.setdefault(digest_of(image.pixels.tobytes()), place)
        if first != place:
            copies.append((first, place))
    return copies, list(seen.values())


def _near(images: Sequence[LabelledImage]) -> Iterator[tuple[int, int, float]]:
    """The pairs of different images within the limit, as they are found."""
    shows = [image for part in _parts(range(len(images))) for image in _that_show(images, part)]
    if len(shows) < 2:
        return
    color = np.empty((len(shows), 3 * _COLOR_SIZE**2), dtype=np.float32)
    for rows, part in zip(_parts(color), _parts(shows), strict=True):
        rows[:] = _thumbnails(_stacked(images, part).astype(np.float32), _COLOR_SIZE)
    for pairs in _candidates(_projected(color)):
        for part in _parts(pairs):
            first, second = np.asarray(part).T
            gray = _apart(
                *(_in_gray(_stacked(images, [shows[place] for place in places])) for places in (first, second))
            )
            distances = np.maximum(_apart(color[first], color[second]), gray)
            for place in np.flatnonzero(distances <= LIMIT).tolist():
                apart = max(round(float(distances[place]), 4), _LEAST)
                yield shows[first[place]], shows[second[place]], apart


def _that_show(images: Sequence[LabelledImage], places: Sequence[int]) -> list[int]:
    """Those of these images that are not of one color."""
    varies = np.std(_stacked(images, places), axis=(1, 2, 3), dtype=np.float32) >= _FLAT
    return [place for place, shows in zip(places, varies, strict=True) if shows]


def _stacked(images: Sequence[LabelledImage], places: Sequence[int]) -> npt.NDArray[np.uint8]:
    return np.stack([images[place].pixels for place in places])


def _candidates(features: _Features) -> Iterator[npt.NDArray[np.int64]]:
    """The pairs of rows no further apart than the limit, a tile of all rows against all at a time.

    A product of matrices: for this many directions faster than any tree, and it misses none.
    """
    half = np.einsum("ij,ij->i", features, features)[:, None] / 2
    ones = np.ones_like(half)
    left, right = np.hstack([features, -half, ones]), np.hstack([features, ones, -half]).T
    for top in range(0, len(features), _TILE):
        for begin in range(top, len(features), _TILE):
            is_near = left[top : top + _TILE] @ right[:, begin : begin + _TILE] >= -(LIMIT**2) / 2 - _ROUNDING
            rows, columns = np.nonzero(is_near)
            pairs = np.column_stack([rows + top, columns + begin])
            if len(pairs := pairs[pairs[:, 0] < pairs[:, 1]]):
                yield pairs


def _projected(features: _Features) -> _Features:
    """Features in the directions in which they differ most: what is near in all of them is near in these."""
    mean = features.mean(axis=0)
    _, directions = np.linalg.eigh(features.T @ features - len(features) * np.outer(mean, mean))
    chosen = directions[:, -_DIRECTIONS:]
    return np.asarray(features @ chosen - mean @ chosen, dtype=np.float32)


def _in_gray(pixels: npt.NDArray[np.uint8]) -> _Features:
    return _thumbnails((pixels @ _LUMA)[..., None], _GRAY_SIZE)


def _thumbnails(images: _Features, size: int) -> _Features:
    """Rows of unit length and mean 0: images shrunk to so many pixels in both directions, whatever their contrast."""
    count, height, width, channels = images.shape
    shape = (count, size, height // size, size, width // size, channels)
    rows = images.reshape(shape).mean(axis=(2, 4)).reshape(count, -1)
    rows -= rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, _ROUNDING), dtype=np.float32)


def _apart(first: _Features, second: _Features) -> npt.NDArray[np.float64]:
    return np.asarray(np.linalg.norm(first - second, axis=1), dtype=np.float64)


def _parts(items: Sequence[Any] | npt.NDArray[Any]) -> Iterator[Any]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
