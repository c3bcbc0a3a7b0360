"""Asking the endpoint about one picture, past the workflow."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from urllib.parse import quote

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.aws.names import stamp
from backend.errors import EndpointNotInService

_TRIAL = "trial-"
_ID = re.compile(rf"{_TRIAL}\d{{8}}-\d{{6}}-\d{{6}}")
_MOST_ATTRIBUTES = 1024


@dataclass(frozen=True)
class Trial:
    """An answer: one probability a class, the variant that gave it, and the seconds that it took to come."""

    inference_id: str
    variant: str
    probabilities: tuple[float, ...]
    seconds: float


def try_image(
    environment: Environment, image: bytes, media_type: str, *, key: str | None = None, variant: str | None = None
) -> Trial:
    """Ask the endpoint, or one of its production variants, about an image.

    The endpoint captures it as it does any request: its inference id says that it was a trial, and `key` names the
    image, as the workflow does, where it is one of the bucket. Raises AwsRequestError; EndpointNotInService where the
    answer is no list of probabilities.
    """
    name, identifier = environment.names.endpoint, f"{_TRIAL}{stamp()}"
    attributes = quote(key or "")
    optional = {"TargetVariant": variant, "CustomAttributes": attributes if len(attributes) <= _MOST_ATTRIBUTES else ""}
    runtime = environment.sagemaker_runtime  # the first use makes the client, which is no part of the answer's time
    began = time.perf_counter()
    with aws_errors(f"ask endpoint {name}"):
        answer = runtime.invoke_endpoint(
            EndpointName=name,
            ContentType=media_type,
            Accept="application/json",
            InferenceId=identifier,
            Body=image,
            **{member: value for member, value in optional.items() if value},
        )
        content = answer["Body"].read()
    seconds = time.perf_counter() - began
    return Trial(identifier, answer.get("InvokedProductionVariant", ""), _probabilities(name, content), seconds)


def is_trial(inference_id: str) -> bool:
    """Whether an inference was a trial: it belongs to no execution of the workflow."""
    return _ID.fullmatch(inference_id) is not None


def _probabilities(endpoint: str, content: bytes) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in json.loads(content))
    except (TypeError, ValueError) as error:
        said = content[:200].decode(errors="replace")
        raise EndpointNotInService(
            f"Endpoint {endpoint} answered {said!r}, which is no list of probabilities. Deploy a model that was "
            "trained here."
        ) from error
