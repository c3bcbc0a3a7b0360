"""Waiting for what the endpoint captured: AWS delivers it within minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend import monitoring
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.errors import CaptureUnavailable, StillWaiting
from backend.progress import Progress, no_progress

_TIMEOUT_SECONDS = 900


def wait_for_captures(
    environment: Environment, inference_ids: Sequence[str], progress: Progress = no_progress
) -> list[dict[str, Any]]:
    """The captured records of these inferences, once all of them are there.

    Raises CaptureUnavailable when some are missing after 15 minutes.
    """
    wanted = set(inference_ids)
    try:
        for _ in attempts("Delivering the captured records", _TIMEOUT_SECONDS):
            monitoring.refresh_captures(environment)
            found = monitoring.by_inference(environment, wanted)
            missing = len(wanted) - found["inference_id"].nunique()
            if not missing:
                break
            progress(1 - missing / len(wanted), f"Waiting for {missing} captured records.")
    except StillWaiting as error:
        raise CaptureUnavailable(
            f"{missing} of {len(wanted)} inferences were not captured within {_TIMEOUT_SECONDS} seconds. "
            "Look at the endpoint's data capture settings and its log."
        ) from error
    return [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
