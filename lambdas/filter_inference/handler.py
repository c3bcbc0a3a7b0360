"""FilterInference: compares the highest probability with the threshold. The verdict is data: a Choice acts on it.

Input the output of ClassifyImage; output the verdict, with `meets_threshold`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

THRESHOLD = float(os.environ["THRESHOLD"])
LABELS: list[str] = json.loads(os.environ["LABELS"])


class UnexpectedInference(Exception):
    """When the endpoint's answer does not fit the labels: it serves another model."""


def lambda_handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    verdict = judge(event["inferences"], LABELS, THRESHOLD)
    kept = {name: event[name] for name in ("inference_id", "s3_bucket", "s3_key")}
    print(json.dumps({"message": "inference judged", **kept, **verdict}))
    return {**kept, **verdict}


def judge(probabilities: Sequence[float], labels: Sequence[str], threshold: float) -> dict[str, Any]:
    """The verdict on one inference; a confidence equal to the threshold meets it. The first of equals is predicted."""
    if len(probabilities) != len(labels):
        raise UnexpectedInference(
            f"The endpoint answered {len(probabilities)} probabilities for {len(labels)} labels. "
            "Deploy the workflow for the model that is in service."
        )
    confidence = max(probabilities)
    index = list(probabilities).index(confidence)
    return {
        "predicted_label": labels[index],
        "predicted_index": index,
        "confidence": confidence,
        "probabilities": list(probabilities),
        "threshold": threshold,
        "meets_threshold": confidence >= threshold,
    }
