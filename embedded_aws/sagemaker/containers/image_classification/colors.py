"""Colors as hue, saturation and lightness. Source: A. R. Smith, "Color Gamut Transform Pairs" (SIGGRAPH 1978)."""

from __future__ import annotations

import torch
from torch import Tensor

_TINY = 1e-6


def rgb_to_hsl(pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and lightness, each (n, height, width), of pixels (n, 3, height, width); all from 0 to 1."""
    highest, strongest = pixels.max(1)
    lowest = pixels.amin(1)
    chroma = highest - lowest
    red, green, blue = (pixels / chroma.clamp(min=_TINY).unsqueeze(1)).unbind(1)
    sextants = torch.stack((green - blue, blue - red + 2, red - green + 4), 1)
    hue = sextants.gather(1, strongest.unsqueeze(1)).squeeze(1) / 6 % 1
    lightness = (highest + lowest) / 2
    saturation = chroma / (1 - (2 * lightness - 1).abs()).clamp(min=_TINY)
    return hue, saturation.clamp(0, 1), lightness


def hsl_to_rgb(hue: Tensor, saturation: Tensor, lightness: Tensor) -> Tensor:
    """The other way round; a hue beyond 0 to 1 goes on around the circle."""
    amplitude = saturation * torch.minimum(lightness, 1 - lightness)
    positions = [(offset + 12 * hue) % 12 for offset in (0, 8, 4)]
    return torch.stack([lightness - amplitude * torch.minimum(at - 3, 9 - at).clamp(-1, 1) for at in positions], 1)
