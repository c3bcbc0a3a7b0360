"""Where the built-in algorithm's image is, by region."""

from __future__ import annotations

import pytest

from backend.errors import ConfigurationError
from backend.training.algorithm import algorithm_image
from tests import answers


def test_the_image_is_the_regions_own() -> None:
    """Source: SageMaker developer guide, "Docker Registry Paths", Ireland."""
    expected = "685385470294.dkr.ecr.eu-west-1.amazonaws.com/image-classification:1"
    assert algorithm_image(answers.account("eu-west-1")) == expected


def test_a_region_without_the_algorithm_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"not offered in region xx-nowhere-1.*Set SCONES_REGION"):
        algorithm_image(answers.account("xx-nowhere-1"))
