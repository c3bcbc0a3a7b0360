"""Random changes to training images, a batch at a time.

Source: SageMaker developer guide, "Image Classification Hyperparameters", `augmentation_type`: crop cuts and flips at
random; crop_color adds up to 36, 50 and 50 to hue, saturation and lightness (of 180, 255 and 255, as OpenCV counts);
crop_color_transform rotates by up to 10 degrees, shears by up to 0.1, and changes the aspect ratio by up to 0.25.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from embedded_aws.sagemaker.containers.image_classification.colors import hsl_to_rgb, rgb_to_hsl

_PADDING = 4
"""Pixels around an image no larger than the crop, as He and others (2016) trained on CIFAR."""
_HUE, _SATURATION, _LIGHTNESS = 36 / 180, 50 / 255, 50 / 255
_ROTATION, _SHEAR, _ASPECT = math.radians(10), 0.1, 0.25


def augment(pixels: Tensor, kind: str, shape: tuple[int, int], random: torch.Generator) -> Tensor:
    """Float pixels of the network's shape from uint8 pixels (n, 3, height, width)."""
    if kind == "none":
        return cut_centre(pixels, shape).float()
    cut = _crop_and_flip(pixels, shape, random).float()
    if kind in {"crop_color", "crop_color_transform"}:
        cut = _change_color(cut, random)
    return _transform(cut, random) if kind == "crop_color_transform" else cut


def cut_centre(pixels: Tensor, shape: tuple[int, int]) -> Tensor:
    """The middle of each image."""
    top, left = (pixels.shape[2] - shape[0]) // 2, (pixels.shape[3] - shape[1]) // 2
    return pixels[:, :, top : top + shape[0], left : left + shape[1]]


def _crop_and_flip(pixels: Tensor, shape: tuple[int, int], random: torch.Generator) -> Tensor:
    if pixels.shape[2:] == shape:
        pixels = functional.pad(pixels, [_PADDING] * 4)
    count, (height, width) = len(pixels), shape
    rows = _offsets(count, pixels.shape[2] - height, random) + torch.arange(height)
    columns = _offsets(count, pixels.shape[3] - width, random) + torch.arange(width)
    flipped = torch.rand(count, generator=random) < 0.5
    columns[flipped] = columns[flipped].flip(1)
    images = torch.arange(count)[:, None, None, None]
    channels = torch.arange(3)[None, :, None, None]
    return pixels[images, channels, rows[:, None, :, None], columns[:, None, None, :]]


def _offsets(count: int, most: int, random: torch.Generator) -> Tensor:
    return torch.randint(0, most + 1, (count, 1), generator=random)


def _change_color(pixels: Tensor, random: torch.Generator) -> Tensor:
    hue, saturation, lightness = rgb_to_hsl(pixels / 255)
    changes = _uniform(3, len(pixels), random)[:, :, None, None]
    saturation = (saturation + _SATURATION * changes[1]).clamp(0, 1)
    lightness = (lightness + _LIGHTNESS * changes[2]).clamp(0, 1)
    return hsl_to_rgb(hue + _HUE * changes[0], saturation, lightness) * 255


def _transform(pixels: Tensor, random: torch.Generator) -> Tensor:
    changes = _uniform(3, len(pixels), random)
    angle, shear = _ROTATION * changes[0], _SHEAR * changes[1]
    stretch = (1 + _ASPECT * changes[2]).sqrt()
    nothing = torch.zeros_like(angle)
    first = torch.stack((stretch * angle.cos(), shear - angle.sin(), nothing), dim=1)
    second = torch.stack((angle.sin(), angle.cos() / stretch, nothing), dim=1)
    grid = functional.affine_grid(torch.stack((first, second), dim=1), list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)


def _uniform(kinds: int, images: int, random: torch.Generator) -> Tensor:
    """Random numbers from -1 to 1 for each kind of change and each image."""
    return 2 * torch.rand(kinds, images, generator=random) - 1
