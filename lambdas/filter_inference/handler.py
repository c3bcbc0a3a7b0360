"""FilterInference: names the most probable class, and compares its probability with the threshold.

Input the output of ClassifyImage; output the verdict, with `is_known` and `meets_threshold`: data that Choices act on,
and `reason`, the same in a sentence. Its errors are InvalidInput and UnexpectedInference: no other try can help.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

TOLERANCE = 1e-3
"""How far the sum of probabilities may be from 1: they are rounded to float32, or to a few decimals by other models."""
OTHER = "other"
"""The label of images that are of none of the other classes: an answer that never passes. As the app stages it."""
_KEPT = ("inference_id", "s3_bucket", "s3_key")
THRESHOLD = float(os.environ["THRESHOLD"])
LABELS: list[str] = json.loads(os.environ["LABELS"])


class InvalidInput(Exception):
    """When the input is not what ClassifyImage returns."""


class UnexpectedInference(Exception):
    """When the endpoint's answer is no probabilities of the labels: it serves another model, or a broken one."""


def lambda_handler(event: Any, _context: object) -> dict[str, Any]:
    kept = parse_input(event)
    verdict = judge(event["inferences"], LABELS, THRESHOLD)
    print(json.dumps({"message": "inference judged", **kept, **verdict}))
    return {**kept, **verdict, "reason": in_words(verdict, "s3://{s3_bucket}/{s3_key}".format_map(kept))}


def parse_input(event: Any) -> dict[str, Any]:
    """What goes on with the verdict; raises InvalidInput, which names the field."""
    kept = {name: event.get(name) if isinstance(event, dict) else None for name in _KEPT}
    wrong = [name for name, value in kept.items() if not isinstance(value, str)]
    if not wrong and not isinstance(event.get("inferences"), list):
        wrong = ["inferences"]
    if wrong:
        raise InvalidInput(f"Field {wrong[0]} of the input is missing or malformed. Give the output of ClassifyImage.")
    return kept


def in_words(verdict: dict[str, Any], place: str) -> str:
    """The verdict as a sentence."""
    confidence = f"with a confidence of {verdict['confidence']:.6g}"
    if not verdict["is_known"]:
        return f"The model says that {place} is of none of the known classes, {confidence}."
    relation = "which meets" if verdict["meets_threshold"] else "which is below"
    label, threshold = verdict["predicted_label"], f"{verdict['threshold']:.6g}"
    return f"The model takes {place} for {label} {confidence}, {relation} the threshold of {threshold}."


def judge(probabilities: Sequence[float], labels: Sequence[str], threshold: float) -> dict[str, Any]:
    """The verdict on one inference; a confidence equal to the threshold meets it. The first of equals is predicted."""
    if len(probabilities) != len(labels):
        raise UnexpectedInference(
            f"The endpoint answered {len(probabilities)} probabilities for {len(labels)} labels. "
            "Deploy the workflow for the model that is in service."
        )
    if not _are_probabilities(probabilities):
        raise UnexpectedInference(
            f"The endpoint answered {str(list(probabilities))[:200]}, which are no probabilities: numbers from 0 to 1 "
            "that add up to 1. Its model is broken: train and deploy another."
        )
    confidence = max(probabilities)
    index = list(probabilities).index(confidence)
    return {
        "predicted_label": labels[index],
        "predicted_index": index,
        "confidence": confidence,
        "probabilities": list(probabilities),
        "threshold": threshold,
        "is_known": labels[index] != OTHER,
        "meets_threshold": confidence >= threshold,
    }


def _are_probabilities(values: Sequence[Any]) -> bool:
    """Whether these are finite numbers from 0 to 1 that add up to 1; a sum with NaN in it is no number."""
    if not all(isinstance(value, int | float) and 0 <= value <= 1 + TOLERANCE for value in values):
        return False
    return bool(abs(sum(values) - 1) <= TOLERANCE)
