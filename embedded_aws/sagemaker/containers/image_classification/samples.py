"""Reading the channels: the manifests' lines, and the images they name, decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embedded_aws.sagemaker.containers.image_classification.container import Container, UserError
from embedded_aws.sagemaker.containers.image_classification.pictures import (
    Size,
    UnreadableImage,
    covering,
    prepare,
    read_size,
)

_CROP_MARGIN = 1.15
"""How much larger than the network's input an image of another size is kept, so that crops can differ."""

_MAX_FILE_BYTES = 64 << 20
_MAX_SHOWN = 80  # characters: a line may be a file's whole content


@dataclass(frozen=True)
class Sample:
    """A line of a manifest: `location` names it in messages, `label` is the class index."""

    location: str
    label: int
    path: Path


@dataclass(frozen=True)
class Images:
    """Decoded images: `pixels` uint8 (n, 3, height, width) in RGB order, `labels` int64 (n,)."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def read_images(
    container: Container, channel: str, num_classes: int, shape: tuple[int, int], resize: int | None
) -> Images:
    """Read the images of a channel, "train" or "validation", that its `_lst` channel names.

    `shape` is the network's input, height and width. Images of one size that hold it are kept as they are; others are
    scaled to a common size a little larger. Raises UserError with file and line number for what cannot be used.
    """
    samples = list(_read_manifests(container, channel, num_classes))
    if not samples:
        raise UserError(f"Channel {channel}_lst names no images.")
    with ThreadPoolExecutor() as pool:
        canvas = _common_size(set(pool.map(lambda sample: _size(sample, shape, resize), samples)), shape)
        images = list(pool.map(lambda sample: _pixels(sample, canvas, resize), samples))
    pixels = np.stack(images).transpose(0, 3, 1, 2)
    return Images(np.ascontiguousarray(pixels), np.array([sample.label for sample in samples], dtype=np.int64))


def _read_manifests(container: Container, channel: str, num_classes: int) -> Iterator[Sample]:
    folder = container.channel(channel)
    manifests = sorted(path for path in container.channel(f"{channel}_lst").rglob("*.lst") if path.is_file())
    if not manifests:
        raise UserError(f"Channel {channel}_lst has no .lst file.")
    for manifest in manifests:
        for number, content in enumerate(manifest.read_bytes().splitlines(), start=1):
            location = f"{manifest.name} line {number}"
            line = _text(content, location)
            if line.strip():
                yield _parse_line(line, location, folder, num_classes)


def _text(content: bytes, location: str) -> str:
    """A manifest's line; one in UTF-16 is told by the byte order mark or the zeros in it."""
    try:
        line = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{location} is not in UTF-8. Save the file in that encoding.") from error
    if "\0" in line:
        raise UserError(f"{location} holds a NUL character. Save the file as plain text in UTF-8.")
    return line


def _parse_line(line: str, location: str, folder: Path, num_classes: int) -> Sample:
    """From `index<TAB>label<TAB>relative path`; labels may be written as 1 or 1.0."""
    fields = line.rstrip("\n").split("\t")
    if len(fields) != 3:
        raise UserError(f"{location}: expected index, label and path with tabs between, found {_shown(line)!r}.")
    try:
        label = float(fields[1])
    except ValueError as error:
        raise UserError(f"{location}: label {_shown(fields[1])!r} is not a number.") from error
    if label not in range(num_classes):
        raise UserError(f"{location}: label {_shown(fields[1])} is not a class from 0 to {num_classes - 1}.")
    path = (folder / fields[2]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UserError(f"{location}: path {_shown(fields[2])!r} leads out of the channel.")
    return Sample(location, int(label), path)


def _shown(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _size(sample: Sample, shape: tuple[int, int], resize: int | None) -> Size:
    """Width and height of a sample's image, after `resize`."""
    with _image_errors(sample):
        own = read_size(_content(sample))
    width, height = own if resize is None else covering(own, (resize, resize))
    if height < shape[0] or width < shape[1]:
        raise UserError(
            f"{sample.location}: image {sample.path.name} of {width} x {height} pixels is smaller than "
            f"image_shape, {shape[1]} x {shape[0]}. Set image_shape no larger than the smallest image, or set resize."
        )
    return width, height


def _pixels(sample: Sample, canvas: Size, resize: int | None) -> npt.NDArray[np.uint8]:
    """A sample's image, brought to the canvas."""
    with _image_errors(sample):
        return prepare(_content(sample), canvas, resize)


def _content(sample: Sample) -> bytes:
    if sample.path.stat().st_size > _MAX_FILE_BYTES:
        raise UnreadableImage(f"its file is larger than {_MAX_FILE_BYTES >> 20} MB")
    return sample.path.read_bytes()


@contextmanager
def _image_errors(sample: Sample) -> Iterator[None]:
    """Say in which line a file cannot be used, and why."""
    image = f"{sample.location}: image {_shown(sample.path.name)}"
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{image} is missing from the channel.") from error
    except OSError as error:
        raise UserError(f"{image} cannot be read: {error.strerror or error}.") from error
    except UnreadableImage as error:
        raise UserError(f"{image} cannot be read: {error}.") from error


def _common_size(sizes: Set[Size], shape: tuple[int, int]) -> Size:
    """Width and height that all images are brought to."""
    height, width = shape
    if len(sizes) == 1:
        [own] = sizes
        if own[0] <= 2 * width and own[1] <= 2 * height:
            return own
    return round(width * _CROP_MARGIN), round(height * _CROP_MARGIN)
