"""Residual networks.

Source: He and others, "Deep Residual Learning for Image Recognition" (2016): section 4.2 for small images (three stages
of 16, 32 and 64 channels), table 1 for larger ones (four stages).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_FOUR_STAGES = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 24, 36, 3),
}
_SMALL_INPUT = 64
"""Below this height, a stem that keeps the resolution: the paper's stem would leave 8 pixels of 32."""


@dataclass(frozen=True)
class Architecture:
    """What decides a network's form, and how images come to it.

    Images are brought to `canvas`, and the middle of `image_shape` is cut out; both are height and width. Before, they
    are scaled until their shorter side is `resize` pixels long; None is for models without.
    """

    num_layers: int
    num_classes: int
    image_shape: tuple[int, int]
    canvas: tuple[int, int]
    resize: int | None = None


class Classifier(nn.Module):
    """Takes pixels, float from 0 to 255, of shape (n, 3, height, width); gives logits (n, classes).

    The mean and deviation of the training images' channels are part of it, so that serving cannot differ.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 127.5))
        self.register_buffer("deviation", torch.full((1, 3, 1, 1), 64.0))
        if architecture.num_layers in _FOUR_STAGES:
            self.body, features = _four_stages(architecture)
        else:
            self.body, features = _three_stages(architecture)
        self.head = nn.Linear(features, architecture.num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pixels: Tensor) -> Tensor:
        features = self.body((pixels - self.mean) / self.deviation)
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(inputs, outputs, 3, stride)
        self.conv2 = _conv(outputs, outputs, 3)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, features: Tensor) -> Tensor:
        out = self.conv2(functional.relu(self.conv1(features), inplace=True))
        return functional.relu(out + self.shortcut(features), inplace=True)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions with a shortcut; the last has four times the channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        width = outputs // 4
        self.conv1 = _conv(inputs, width, 1)
        self.conv2 = _conv(width, width, 3, stride)
        self.conv3 = _conv(width, outputs, 1)
        self.shortcut = _shortcut(inputs, outputs, stride)

    def forward(self, features: Tensor) -> Tensor:
        out = functional.relu(self.conv1(features), inplace=True)
        out = self.conv3(functional.relu(self.conv2(out), inplace=True))
        return functional.relu(out + self.shortcut(features), inplace=True)


def _three_stages(architecture: Architecture) -> tuple[nn.Sequential, int]:
    blocks = (architecture.num_layers - 2) // 6
    stem = [_conv(3, 16, 3), nn.ReLU(inplace=True)]
    return _stages(stem, BasicBlock, 16, (16, 32, 64), (blocks,) * 3)


def _four_stages(architecture: Architecture) -> tuple[nn.Sequential, int]:
    block = BasicBlock if architecture.num_layers < 50 else Bottleneck
    if architecture.image_shape[0] < _SMALL_INPUT:
        stem: list[nn.Module] = [_conv(3, 64, 3), nn.ReLU(inplace=True)]
    else:
        stem = [_conv(3, 64, 7, stride=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, stride=2, padding=1)]
    widths = (64, 128, 256, 512) if block is BasicBlock else (256, 512, 1024, 2048)
    return _stages(stem, block, 64, widths, _FOUR_STAGES[architecture.num_layers])


def _stages(
    stem: list[nn.Module],
    block: type[BasicBlock] | type[Bottleneck],
    inputs: int,
    widths: tuple[int, ...],
    counts: tuple[int, ...],
) -> tuple[nn.Sequential, int]:
    """Stem and stages; each stage but the first halves the resolution. Returns them with the number of features."""
    layers = list(stem)
    for stage, (width, count) in enumerate(zip(widths, counts, strict=True)):
        for position in range(count):
            layers.append(block(inputs, width, stride=2 if stage and not position else 1))
            inputs = width
    return nn.Sequential(*layers), inputs


def _conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs))


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    return nn.Identity() if inputs == outputs and stride == 1 else _conv(inputs, outputs, 1, stride)
