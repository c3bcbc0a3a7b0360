"""SageMaker's built-in image-classification algorithm: where its container image is."""

from __future__ import annotations

from backend.aws.environment import Environment
from backend.errors import ConfigurationError

_ALGORITHM = "image-classification"


def algorithm_image(environment: Environment) -> str:
    """The URI of the built-in's container image, which trains and serves, in the environment's region.

    Raises ConfigurationError where AWS does not offer the algorithm, as far as the installed SDK knows.
    """
    from sagemaker.core import image_uris  # imported late: the SDK takes seconds to load

    try:
        return str(image_uris.retrieve(_ALGORITHM, region=environment.region))
    except ValueError as error:
        raise ConfigurationError(
            f"SageMaker's built-in {_ALGORITHM} algorithm is not offered in region {environment.region}, as far as the "
            "installed SageMaker SDK knows. Set SCONES_REGION to another one, for example us-east-1."
        ) from error
