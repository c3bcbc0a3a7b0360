"""FilterInference: the verdict on an inference."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from backend.staging.labels import OTHER


@pytest.fixture
def handler(load_handler: Callable[[str], ModuleType]) -> ModuleType:
    return load_handler("filter_inference")


def event(*probabilities: float) -> dict[str, Any]:
    return {"inferences": list(probabilities), "inference_id": "x-1", "s3_bucket": "b", "s3_key": "k.png"}


def test_a_confidence_equal_to_the_threshold_passes(handler: ModuleType) -> None:
    assert handler.lambda_handler(event(0.93, 0.07), None)["meets_threshold"]


def test_a_confidence_below_the_threshold_does_not_pass(handler: ModuleType) -> None:
    assert not handler.lambda_handler(event(0.9299, 0.0701), None)["meets_threshold"]


def test_the_most_probable_label_is_predicted(handler: ModuleType) -> None:
    verdict = handler.lambda_handler(event(0.02, 0.98), None)
    assert (verdict["predicted_label"], verdict["predicted_index"]) == ("motorcycle", 1)
    assert verdict["confidence"] == 0.98


def test_of_equal_probabilities_the_first_is_predicted(handler: ModuleType) -> None:
    assert handler.lambda_handler(event(0.5, 0.5), None)["predicted_label"] == "bicycle"


def test_the_verdict_names_the_image_and_the_inference(handler: ModuleType) -> None:
    verdict = handler.lambda_handler(event(1.0, 0.0), None)
    assert (verdict["inference_id"], verdict["s3_bucket"], verdict["s3_key"]) == ("x-1", "b", "k.png")


@pytest.mark.parametrize("name", ["inferences", "inference_id", "s3_bucket", "s3_key"])
@pytest.mark.parametrize("value", [None, 7])
def test_a_field_that_is_missing_or_malformed_is_named(handler: ModuleType, name: str, value: Any) -> None:
    with pytest.raises(handler.InvalidInput, match=f"^Field {name} of the input"):
        handler.lambda_handler(event(1.0, 0.0) | {name: value}, None)


@pytest.mark.parametrize(
    ("probabilities", "labels", "words"),
    [
        (
            (0.93, 0.07),
            None,
            "takes s3://b/k.png for bicycle with a confidence of 0.93, which meets the threshold of 0.93.",
        ),
        (
            (0.5, 0.5),
            None,
            "takes s3://b/k.png for bicycle with a confidence of 0.5, which is below the threshold of 0.93.",
        ),
        (
            (0.25, 0.75),
            ["a", "other"],
            "says that s3://b/k.png is of none of the known classes, with a confidence of 0.75.",
        ),
    ],
)
def test_the_verdict_is_said_in_a_sentence(
    handler: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    probabilities: tuple[float, ...],
    labels: list[str] | None,
    words: str,
) -> None:
    monkeypatch.setattr(handler, "LABELS", labels or handler.LABELS)
    assert handler.lambda_handler(event(*probabilities), None)["reason"] == f"The model {words}"


def test_any_number_of_classes_is_judged(handler: ModuleType) -> None:
    verdict = handler.judge([0.01, 0.04, 0.95], ["a", "b", "c"], 0.9)
    assert (verdict["predicted_label"], verdict["meets_threshold"]) == ("c", True)


BIKES = ("bicycle", "motorcycle")
FIVE = ("bicycle", "bus", "motorcycle", "pickup_truck", "train")


@pytest.mark.parametrize("labels", [BIKES, (*BIKES, "other"), FIVE, (*FIVE, "other")])
def test_every_class_but_other_is_known_however_sure_the_answer(handler: ModuleType, labels: tuple[str, ...]) -> None:
    for confidence in (1.0, 0.93, 0.4):
        for index, label in enumerate(labels):
            rest = (1 - confidence) / (len(labels) - 1)
            probabilities = [confidence if other == index else rest for other in range(len(labels))]
            if confidence <= rest:
                continue
            verdict = handler.judge(probabilities, labels, 0.93)
            assert verdict["predicted_label"] == label
            assert verdict["is_known"] == (label != "other")
            assert verdict["meets_threshold"] == (confidence >= 0.93)


def test_the_label_that_never_passes_is_the_one_that_staging_gives(handler: ModuleType) -> None:
    assert handler.OTHER == OTHER


def test_an_answer_of_another_model_is_an_error_and_no_verdict(handler: ModuleType) -> None:
    with pytest.raises(handler.UnexpectedInference, match="3 probabilities for 2 labels"):
        handler.lambda_handler(event(0.2, 0.3, 0.5), None)


@pytest.mark.parametrize(
    "answer",
    [
        (math.nan, math.nan),
        (math.nan, 1.0),
        (math.inf, 0.0),
        (5.0, -3),
        (1.5, -0.5),
        (0.9, 0.9),
        (0.0, 0.0),
        (None, 1.0),
        ("0.9", "0.1"),
    ],
)
def test_an_answer_that_is_no_probabilities_is_an_error_and_no_rejection(
    handler: ModuleType, answer: tuple[Any, ...]
) -> None:
    with pytest.raises(handler.UnexpectedInference, match="are no probabilities"):
        handler.lambda_handler(event(*answer), None)


def test_probabilities_that_were_rounded_are_judged(handler: ModuleType) -> None:
    assert handler.lambda_handler(event(0.9999, 0.0002), None)["meets_threshold"]
