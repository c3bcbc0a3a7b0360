"""The networks, held against the literature."""

from __future__ import annotations

import colorsys
import itertools

import pytest
import torch

from embedded_aws.sagemaker.containers.image_classification.augmentation import augment, cut_centre
from embedded_aws.sagemaker.containers.image_classification.colors import hsl_to_rgb, rgb_to_hsl
from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier


def network(num_layers: int, classes: int, size: int) -> Classifier:
    return Classifier(Architecture(num_layers, classes, (size, size), (size, size))).eval()


# He and others (2016), table 6: CIFAR-10, in millions; torchvision's counts for ImageNet's 1,000 classes.
@pytest.mark.parametrize(
    ("num_layers", "classes", "size", "millions"),
    [
        (20, 10, 32, 0.27),
        (32, 10, 32, 0.46),
        (44, 10, 32, 0.66),
        (56, 10, 32, 0.85),
        (110, 10, 32, 1.7),
        (18, 1000, 224, 11.69),
        (34, 1000, 224, 21.80),
        (50, 1000, 224, 25.56),
        (101, 1000, 224, 44.55),
        (152, 1000, 224, 60.19),
    ],
)
def test_it_has_as_many_parameters_as_published(num_layers: int, classes: int, size: int, millions: float) -> None:
    parameters = sum(parameter.numel() for parameter in network(num_layers, classes, size).parameters())
    assert parameters / 1e6 == pytest.approx(millions, rel=0.025)


@pytest.mark.parametrize(("num_layers", "size"), [(20, 28), (20, 32), (18, 32), (152, 28), (18, 224)])
def test_it_gives_a_logit_for_each_class(num_layers: int, size: int) -> None:
    with torch.inference_mode():
        assert network(num_layers, 5, size)(torch.zeros(2, 3, size, size)).shape == (2, 5)


def test_the_centre_is_cut_from_the_middle() -> None:
    pixels = torch.arange(36, dtype=torch.uint8).view(1, 1, 6, 6).expand(1, 3, 6, 6)
    assert cut_centre(pixels, (2, 2))[0, 0].tolist() == [[14, 15], [20, 21]]


@pytest.mark.parametrize("kind", ["none", "crop", "crop_color", "crop_color_transform"])
@pytest.mark.parametrize("size", [28, 32, 40])
def test_augmented_images_have_the_networks_shape(kind: str, size: int) -> None:
    pixels = torch.full((5, 3, size, size), 100, dtype=torch.uint8)
    result = augment(pixels, kind, (28, 28), torch.Generator().manual_seed(0))
    assert result.shape == (5, 3, 28, 28)
    assert result.min() >= 0
    assert result.max() <= 255


def test_crops_are_parts_of_the_image_or_of_its_mirror() -> None:
    image = torch.arange(32 * 32).view(1, 1, 32, 32).expand(1, 3, 32, 32) % 251
    pixels = image.to(torch.uint8)
    parts = pixels[0, 0].unfold(0, 28, 1).unfold(1, 28, 1).reshape(-1, 28, 28)
    allowed = {tuple(part.flatten().tolist()) for part in torch.cat([parts, parts.flip(2)])}
    for seed in range(10):
        crop = augment(pixels, "crop", (28, 28), torch.Generator().manual_seed(seed))
        assert tuple(crop[0, 0].to(torch.uint8).flatten().tolist()) in allowed


def test_colors_are_taken_apart_as_in_the_standard_library() -> None:
    pixels = torch.rand(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    pixels[0] = 0.5  # grey has no hue
    hue, saturation, lightness = rgb_to_hsl(pixels)
    for image, row, column in itertools.product(range(4), range(2), range(2)):
        expected = colorsys.rgb_to_hls(*pixels[image, :, row, column].tolist())
        at = (image, row, column)
        assert (hue[at].item(), lightness[at].item(), saturation[at].item()) == pytest.approx(expected, abs=1e-4)


def test_colors_come_together_again() -> None:
    pixels = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(hsl_to_rgb(*rgb_to_hsl(pixels)), pixels, atol=1e-5)
