"""Images as worse cameras, light or storage give them: pure functions, each with a severity from 0, as it is, to 5.

The kinds are those of Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), with five severities as there; the parameters are chosen for images of 32 pixels, so that
what was measured of this project's drift alarm has a severity: 0.6 of the brightness is darker 2.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

MOST_SEVERE: Final = 5.0
Picture = npt.NDArray[np.uint8]
"""RGB of shape (height, width, 3)."""
Pixels = npt.NDArray[np.floating]
_WHITE = 255


class Distortion(StrEnum):
    """What can be done to an image; of several the first of these comes first, as light comes before a file."""

    ROTATED = "rotated"
    DARKER = "darker"
    BRIGHTER = "brighter"
    LOW_CONTRAST = "lower contrast"
    BLURRED = "blurred"
    NOISIER = "noisier"
    JPEG = "JPEG artefacts"


PARAMETERS: Final[dict[Distortion, tuple[float, ...]]] = {
    Distortion.ROTATED: (0, 10, 20, 30, 45, 60),
    Distortion.DARKER: (1, 0.8, 0.6, 0.45, 0.3, 0.15),
    Distortion.BRIGHTER: (1, 1.25, 1.5, 1.75, 2, 2.5),
    Distortion.LOW_CONTRAST: (1, 0.75, 0.5, 0.4, 0.3, 0.15),
    Distortion.BLURRED: (0, 0.4, 0.6, 0.8, 1.2, 2),
    Distortion.NOISIER: (0, 10, 15, 20, 30, 40),
    Distortion.JPEG: (100, 80, 50, 20, 10, 5),
}
"""At the severities 0 to 5, with straight lines between: see MEANINGS."""
MEANINGS: Final[dict[Distortion, str]] = {
    Distortion.ROTATED: "turned by {:.0f}°",
    Distortion.DARKER: "{:.0%} of the brightness",
    Distortion.BRIGHTER: "{:.0%} of the brightness, up to white",
    Distortion.LOW_CONTRAST: "{:.0%} of the contrast",
    Distortion.BLURRED: "blurred over {:.1f} pixels",
    Distortion.NOISIER: "noise of {:.0f} levels of 255",
    Distortion.JPEG: "JPEG of quality {:.0f}",
}


def distort(image: Picture, severities: Mapping[Distortion, float], rng: np.random.Generator) -> Picture:
    """The image with these distortions, in the order of `Distortion`; it has the same shape, and `image` stays.

    `rng` draws the noise, so the same seed gives the same image.
    """
    for kind in Distortion:
        if severity := severities.get(kind, 0):
            image = _DISTORT[kind](image, parameter(kind, severity), rng)
    return image


def parameter(kind: Distortion, severity: float) -> float:
    """What a severity from 0 to 5 means for this kind: degrees, factor, standard deviation or quality."""
    if not 0 <= severity <= MOST_SEVERE:
        raise ValueError(f"{kind} has severities from 0 to {MOST_SEVERE:g}, not {severity:g}.")
    return float(np.interp(severity, range(len(PARAMETERS[kind])), PARAMETERS[kind]))


def meaning(kind: Distortion, severity: float) -> str:
    """The same in words."""
    return MEANINGS[kind].format(parameter(kind, severity))


def _rotated(image: Picture, degrees: float, _rng: np.random.Generator) -> Picture:
    """Turned about its center, with its mirrored edges in the corners: black ones would make it darker too."""
    turned = ndimage.rotate(image.astype(float), degrees, axes=(1, 0), reshape=False, order=1, mode="mirror")
    return _as_picture(turned)


def _scaled(image: Picture, factor: float, _rng: np.random.Generator) -> Picture:
    return _as_picture(image * factor)


def _flattened(image: Picture, factor: float, _rng: np.random.Generator) -> Picture:
    """Each channel drawn towards its mean, which stays."""
    means = image.mean(axis=(0, 1))
    return _as_picture(means + (image - means) * factor)


def _blurred(image: Picture, sigma: float, _rng: np.random.Generator) -> Picture:
    return _as_picture(ndimage.gaussian_filter(image.astype(float), (sigma, sigma, 0), mode="mirror"))


def _noisier(image: Picture, deviation: float, rng: np.random.Generator) -> Picture:
    return _as_picture(image + rng.normal(0, deviation, image.shape))


def _encoded(image: Picture, quality: float, _rng: np.random.Generator) -> Picture:
    """Through a JPEG and back, with its colors at half the resolution, as libjpeg does by itself."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=math.floor(quality))
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))


def _as_picture(pixels: Pixels) -> Picture:
    return np.clip(np.rint(pixels), 0, _WHITE).astype(np.uint8)


_DISTORT: Final[dict[Distortion, Callable[[Picture, float, np.random.Generator], Picture]]] = {
    Distortion.ROTATED: _rotated,
    Distortion.DARKER: _scaled,
    Distortion.BRIGHTER: _scaled,
    Distortion.LOW_CONTRAST: _flattened,
    Distortion.BLURRED: _blurred,
    Distortion.NOISIER: _noisier,
    Distortion.JPEG: _encoded,
}
