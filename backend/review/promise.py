"""Which labels of captured records count for the promise of a threshold, beside the test set's.

Only labels that say something of all the traffic do: those that came for it from elsewhere, and those of a stratified
sample, of which as many are left out as makes it a plain one. docs/review.md says why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend import deployment, monitoring
from backend.aws.environment import Environment
from backend.evaluation import Candidates, Evaluation
from backend.ground_truth import GroundTruth
from backend.review.desk import OPINIONS
from backend.review.opinions import TRUTH_BEGINS, standing
from backend.review.progress import Progress
from backend.review.queue import Kind, list_queues

_OF_TRAFFIC: Final = "traffic-"
"""How the names of the generator's ground truth begin: its pictures are the test set's, over and over."""
_DIGITS: Final = 15


@dataclass(frozen=True)
class Answered:
    """A captured answer, and what the picture really is: None where nobody could say. `record` tells it from others."""

    record: str
    class_index: int
    confidence: float
    label: str | None
    image_key: str | None


@dataclass(frozen=True)
class Counting:
    """The labelled records that count: of samples, `passed_over` of them as wrong, and those from elsewhere."""

    candidates: Candidates
    sampled: int = 0
    passed_over: int = 0
    elsewhere: int = 0


def labelled_candidates(environment: Environment, evaluation: Evaluation, truth: GroundTruth) -> Counting:
    """The labelled records that the evaluated model answered, no picture twice and none of the evaluation's own.

    Raises AwsRequestError, CaptureUnavailable.
    """
    seen: set[str | None] = {image.key for image in evaluation.images if image.key}
    sampled = list(_unseen(_of_samples(environment, evaluation.job), seen))
    elsewhere = list(_unseen(_from_elsewhere(environment, evaluation.job, truth), seen))
    passed_over = sum(answered.label is None for answered in sampled)
    return Counting(candidates([*sampled, *elsewhere], evaluation), len(sampled), passed_over, len(elsewhere))


def candidates(answers: Iterable[Answered], evaluation: Evaluation) -> Candidates:
    """Those of known classes, as `Candidates.of` takes the test set's; an answer to what nobody could tell is wrong."""
    known = evaluation.labels[: evaluation.known_count]
    meant = [answered for answered in answers if answered.label is None or answered.label in known]
    may_pass = [answered for answered in meant if answered.class_index != evaluation.other_index]
    is_right = [evaluation.labels[answered.class_index] == answered.label for answered in may_pass]
    confidence = np.array([answered.confidence for answered in may_pass], np.float64)
    return Candidates(confidence, np.array(is_right, np.bool_), len(meant))


def of_sample(progress: Progress, job: str) -> Iterator[Answered]:
    """The records of a stratified sample that stand for all of its window, as a plain sample's do.

    Each is kept with a probability of its weight in the largest one, which is decided by its number alone. One that was
    passed over, while later ones were labelled, is one that nobody could tell. Of no other kind of queue there is any.
    """
    queue = progress.queue
    if queue.kind is not Kind.SAMPLE:
        return
    weights = [item.weight or 0.0 for item in queue.items]
    labels = _first_labels(progress)
    behind = max(labels, default=0)
    for item, weight in zip(queue.items, weights, strict=True):
        is_meant = item.number <= behind and item.job == job
        if is_meant and _lot(queue.queue_id, item.number) < weight / max(weights):
            record = item.inference_id or f"{item.key} {item.offset} {item.position}"
            yield Answered(record, item.class_index, item.confidence, labels.get(item.number), item.image_key)


def _first_labels(progress: Progress) -> dict[int, str]:
    """What the pictures are of which that is known, as it was said before the model's answer was seen."""
    found: dict[int, str] = {}
    for number, label in progress.labels().items():
        firsts = {opinion.first_label for opinion in standing(progress.of(number))}
        found[number] = firsts.pop() if len(firsts) == 1 else label
    return found


def _lot(queue_id: str, number: int) -> float:
    """From 0 to 1, the same each time for the same picture."""
    digest = hashlib.sha256(f"{queue_id}/{number}".encode()).hexdigest()
    return int(digest[:_DIGITS], 16) / 16**_DIGITS


def _of_samples(environment: Environment, job: str) -> Iterator[Answered]:
    own = monitoring.project_source(environment).url
    for queue in list_queues(environment):
        if queue.source == own:
            yield from of_sample(Progress(queue, OPINIONS.of_queue(environment, queue.queue_id)), job)


def _from_elsewhere(environment: Environment, job: str, truth: GroundTruth) -> Iterator[Answered]:
    """The records whose ground truth neither a reviewer nor the traffic generator wrote."""
    labels = truth.from_elsewhere(environment, (TRUTH_BEGINS, _OF_TRAFFIC))
    endpoint = deployment.describe_endpoint(environment) if labels else None
    if endpoint is None or not endpoint.in_service:
        return
    serving = {variant.name for variant in endpoint.variants if variant.origin.training_job == job}
    for row in _records(environment, list(labels)):
        is_meant = row["endpoint"] == endpoint.name and row["variant"] in serving
        if is_meant and row["time"] >= endpoint.modified_at:
            record = row["inference_id"]
            yield Answered(record, row["class_index"], row["confidence"], labels[record], row["image_key"])


def _records(environment: Environment, inference_ids: Sequence[str]) -> list[dict[str, Any]]:
    if monitoring.capture_contents(environment) is None:
        return []
    found = monitoring.by_inference(environment, inference_ids)
    return monitoring.located(environment, monitoring.project_source(environment), found["record_id"].tolist())


def _unseen(answers: Iterable[Answered], seen: set[str | None]) -> Iterator[Answered]:
    """Each picture once, as far as its key tells."""
    for answered in answers:
        told_by = {answered.record, answered.image_key} - {None}
        if seen.isdisjoint(told_by):
            yield answered
        seen |= told_by
