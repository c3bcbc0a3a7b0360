"""Distortions against OpenCV, Pillow and plain arithmetic; none at severity 0, and more with every severity."""

from __future__ import annotations

import io

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from backend.traffic import MOST_SEVERE, PARAMETERS, Distortion, distort, meaning
from backend.traffic.distortions import Picture, parameter

SEVERITIES = [0, 0.5, 1, 2, 2.5, 3, 4, 5]
SHAPES = [(32, 32, 3), (20, 33, 3), (1, 1, 3)]


def picture(shape: tuple[int, ...] = (32, 32, 3), low: int = 0, high: int = 256) -> Picture:
    """Smooth, as photographs are, and with an edge."""
    coarse = np.random.default_rng(3).integers(low, high, (5, 5, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    smooth[: shape[0] // 3, : shape[1] // 3] = low
    return np.ascontiguousarray(smooth, dtype=np.uint8)


def apply(kind: Distortion, severity: float, image: Picture, seed: int = 0) -> Picture:
    return distort(image, {kind: severity}, np.random.default_rng(seed))


def difference(one: Picture, other: Picture) -> npt.NDArray[np.int16]:
    return np.abs(one.astype(np.int16) - other.astype(np.int16))


@pytest.mark.parametrize("kind", Distortion)
def test_severity_0_is_the_image_itself(kind: Distortion) -> None:
    assert np.array_equal(apply(kind, 0, picture()), picture())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", Distortion)
def test_shape_and_type_are_kept_and_the_image_is_not_written_to(kind: Distortion, shape: tuple[int, ...]) -> None:
    image = picture(shape)
    image.setflags(write=False)
    changed = apply(kind, 5, image)
    assert changed.shape == shape
    assert changed.dtype == np.uint8


@pytest.mark.parametrize("kind", Distortion)
def test_the_more_severe_the_further_from_the_image(kind: Distortion) -> None:
    image = picture(low=20, high=200)
    distances = [float(difference(apply(kind, severity, image), image).mean()) for severity in SEVERITIES]
    assert distances == sorted(distances)
    whole = [distance for severity, distance in zip(SEVERITIES, distances, strict=True) if severity == int(severity)]
    assert len({round(distance, 6) for distance in whole}) == len(whole)


@pytest.mark.parametrize("kind", Distortion)
def test_the_same_seed_gives_the_same_image(kind: Distortion) -> None:
    assert np.array_equal(apply(kind, 3, picture(), seed=7), apply(kind, 3, picture(), seed=7))


@pytest.mark.parametrize(("severity", "share"), [(1, 0.8), (2, 0.6), (4, 0.3)])
def test_darker_leaves_a_share_of_the_brightness(severity: float, share: float) -> None:
    image = picture()
    assert apply(Distortion.DARKER, severity, image).mean() == pytest.approx(share * image.mean(), abs=0.3)


def test_brighter_multiplies_up_to_white() -> None:
    image = np.array([[[0, 10, 100], [170, 171, 255]]], np.uint8)
    assert apply(Distortion.BRIGHTER, 2, image).tolist() == [[[0, 15, 150], [255, 255, 255]]]


def test_lower_contrast_keeps_each_channels_mean_and_a_share_of_its_deviation() -> None:
    image = picture()
    changed = apply(Distortion.LOW_CONTRAST, 3, image)
    assert changed.mean(axis=(0, 1)) == pytest.approx(image.mean(axis=(0, 1)), abs=0.1)
    assert changed.std(axis=(0, 1)) == pytest.approx(0.4 * image.std(axis=(0, 1)), rel=0.02)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_blurred_is_opencvs_gaussian_blur(severity: float) -> None:
    image, sigma = picture(), parameter(Distortion.BLURRED, severity)
    size = 2 * round(4 * sigma) + 1
    expected = cv2.GaussianBlur(image.astype(np.float64), (size, size), sigma, borderType=cv2.BORDER_REFLECT_101)
    assert difference(apply(Distortion.BLURRED, severity, image), np.rint(expected).astype(np.uint8)).max() <= 1


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_rotated_is_opencvs_rotation_with_mirrored_edges(severity: float) -> None:
    image, degrees = picture(), parameter(Distortion.ROTATED, severity)
    matrix = cv2.getRotationMatrix2D((15.5, 15.5), degrees, 1)
    expected = cv2.warpAffine(
        image.astype(np.float64), matrix, (32, 32), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    away = np.abs(apply(Distortion.ROTATED, severity, image).astype(float) - expected)
    assert away.mean() < 1  # OpenCV counts in steps of a 32nd of a pixel
    assert away.max() < 12


def test_rotated_does_not_make_it_darker_at_the_corners() -> None:
    white = np.full((32, 32, 3), 255, np.uint8)
    assert np.array_equal(apply(Distortion.ROTATED, 5, white), white)


def test_noise_has_its_deviation_and_no_bias_and_differs_by_pixel_channel_and_seed() -> None:
    gray = np.full((64, 64, 3), 128, np.uint8)
    noise = apply(Distortion.NOISIER, 3, gray).astype(float) - 128
    assert noise.std() == pytest.approx(20, rel=0.03)
    assert abs(noise.mean()) < 4 * 20 / np.sqrt(noise.size)
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 4 / 64
    assert not np.array_equal(apply(Distortion.NOISIER, 3, gray, seed=1), apply(Distortion.NOISIER, 3, gray, seed=2))


def test_jpeg_artefacts_are_those_of_pillows_own_file() -> None:
    image, buffer = picture(), io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=20)
    assert np.array_equal(apply(Distortion.JPEG, 3, image), np.asarray(Image.open(buffer)))


def test_several_are_applied_one_after_the_other_light_before_file() -> None:
    image = picture()
    both = distort(image, {Distortion.JPEG: 3, Distortion.DARKER: 2}, np.random.default_rng(0))
    assert np.array_equal(both, apply(Distortion.JPEG, 3, apply(Distortion.DARKER, 2, image)))


def test_a_severity_between_two_has_a_parameter_between_theirs_and_others_are_refused() -> None:
    assert parameter(Distortion.DARKER, 1.5) == pytest.approx(0.7)
    assert meaning(Distortion.DARKER, 1.5) == "70% of the brightness"
    assert {len(parameters) for parameters in PARAMETERS.values()} == {MOST_SEVERE + 1}
    for severity in (-0.1, 5.1, float("nan")):
        with pytest.raises(ValueError, match="severities from 0 to 5"):
            parameter(Distortion.DARKER, severity)
