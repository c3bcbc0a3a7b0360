"""Reading the channels: the manifests' lines, and the images they name, decoded once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from embedded_aws.sagemaker.containers.image_classification.container import Container, UserError

_CROP_MARGIN = 1.15
"""How much larger than the network's input an image of another size is kept, so that crops can differ."""


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
        images = list(pool.map(lambda sample: _decode(sample, shape, resize), samples))
    canvas = _common_size(images, shape)
    pixels = np.stack([fit(image, canvas) for image in images]).transpose(0, 3, 1, 2)
    return Images(np.ascontiguousarray(pixels), np.array([sample.label for sample in samples], dtype=np.int64))


def _read_manifests(container: Container, channel: str, num_classes: int) -> Iterator[Sample]:
    folder = container.channel(channel)
    manifests = sorted(container.channel(f"{channel}_lst").rglob("*.lst"))
    if not manifests:
        raise UserError(f"Channel {channel}_lst has no .lst file.")
    for manifest in manifests:
        for number, line in enumerate(manifest.read_text(encoding="utf-8").splitlines(), start=1):
            if line.strip():
                yield _parse_line(line, f"{manifest.name} line {number}", folder, num_classes)


def _parse_line(line: str, location: str, folder: Path, num_classes: int) -> Sample:
    """From `index<TAB>label<TAB>relative path`; labels may be written as 1 or 1.0."""
    fields = line.rstrip("\n").split("\t")
    if len(fields) != 3:
        raise UserError(f"{location}: expected index, label and path with tabs between, found {line!r}.")
    try:
        label = float(fields[1])
    except ValueError as error:
        raise UserError(f"{location}: label {fields[1]!r} is not a number.") from error
    if label not in range(num_classes):
        raise UserError(f"{location}: label {fields[1]} is not a class from 0 to {num_classes - 1}.")
    path = (folder / fields[2]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UserError(f"{location}: path {fields[2]!r} leads out of the channel.")
    return Sample(location, int(label), path)


def _decode(sample: Sample, shape: tuple[int, int], resize: int | None) -> Image.Image:
    try:
        with Image.open(sample.path) as file:
            image = file.convert("RGB")
    except FileNotFoundError as error:
        raise UserError(f"{sample.location}: image {sample.path.name} is missing from the channel.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"{sample.location}: image {sample.path.name} cannot be read: {error}.") from error
    if resize is not None:
        image = _scale_to_cover(image, (resize, resize))
    if image.height < shape[0] or image.width < shape[1]:
        raise UserError(
            f"{sample.location}: image {sample.path.name} of {image.width} x {image.height} pixels is smaller than "
            f"image_shape, {shape[1]} x {shape[0]}. Set image_shape no larger than the smallest image, or set resize."
        )
    return image


def _common_size(images: list[Image.Image], shape: tuple[int, int]) -> tuple[int, int]:
    """Width and height that all images are brought to."""
    height, width = shape
    sizes = {image.size for image in images}
    if len(sizes) == 1:
        own = images[0].size
        if own[0] <= 2 * width and own[1] <= 2 * height:
            return own
    return round(width * _CROP_MARGIN), round(height * _CROP_MARGIN)


def fit(image: Image.Image, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Scaled to cover the size, and cut to it around the centre; uint8 (height, width, 3)."""
    if image.size != size:
        image = _scale_to_cover(image, size)
        left, top = (image.width - size[0]) // 2, (image.height - size[1]) // 2
        image = image.crop((left, top, left + size[0], top + size[1]))
    return np.asarray(image)


def _scale_to_cover(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = max(size[0] / image.width, size[1] / image.height)
    scaled = max(size[0], round(image.width * scale)), max(size[1], round(image.height * scale))
    return image.resize(scaled, Image.Resampling.BILINEAR)
