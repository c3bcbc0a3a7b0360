"""Container images: which one an image URI names, and whether it can run here."""

from __future__ import annotations

from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.containers.image_classification import IMAGE_REPOSITORY


def require_runnable(image: str) -> None:
    """Raise ValidationException unless the URI, of any registry and tag, names the image-classification algorithm."""
    if _repository(image) != IMAGE_REPOSITORY:
        raise ValidationException(
            f'The embedded SageMaker cannot run the image "{image}": it has no containers, and runs the built-in '
            f"{IMAGE_REPOSITORY} algorithm only. Take that algorithm's image URI."
        )


def _repository(image: str) -> str:
    """The repository in an image URI: what stands between the registry and the tag or digest."""
    _registry, _, path = image.partition("/")
    return path.partition("@")[0].partition(":")[0]
