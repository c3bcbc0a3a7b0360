"""Random changes to training images, a batch at a time.

Source: SageMaker developer guide, "Image Classification Hyperparameters", `augmentation_type`: crop cuts and flips at
random; crop_color adds changes of hue, saturation and lightness; crop_color_transform adds rotation, shear and scale.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_PADDING = 4
"""Pixels around an image no larger than the crop, as He and others (2016) trained on CIFAR."""
_COLOR = 0.2
_SHARES = (0.299, 0.587, 0.114)
"""Red, green and blue in a pixel's lightness (ITU-R BT.601)."""


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
    """Lightness, saturation and the channels' balance, each by up to a fifth."""
    lightness = (pixels * torch.tensor(_SHARES).view(1, 3, 1, 1)).sum(1, keepdim=True)
    saturated = lightness + (pixels - lightness) * _factors(pixels, 1, random)
    balanced = saturated * _factors(pixels, 3, random)
    return (balanced * _factors(pixels, 1, random)).clamp(0, 255)


def _factors(pixels: Tensor, channels: int, random: torch.Generator) -> Tensor:
    return 1 + _COLOR * (2 * torch.rand(len(pixels), channels, 1, 1, generator=random) - 1)


def _transform(pixels: Tensor, random: torch.Generator) -> Tensor:
    """Rotation by up to 10 degrees, shear by up to a tenth, scale by up to a tenth."""
    draw = 2 * torch.rand(3, len(pixels), generator=random) - 1
    angle, shear, scale = draw[0] * math.radians(10), draw[1] * 0.1, 1 + draw[2] * 0.1
    nothing = torch.zeros_like(angle)
    first = torch.stack((scale * angle.cos(), shear - angle.sin(), nothing), dim=1)
    second = torch.stack((angle.sin(), scale * angle.cos(), nothing), dim=1)
    grid = functional.affine_grid(torch.stack((first, second), dim=1), list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
