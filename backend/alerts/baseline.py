"""A baseline as Model Monitor has it: `statistics.json` and `constraints.json`.

Sources: SageMaker developer guide, "Schema for Statistics (statistics.json file)" and "Schema for Constraints
(constraints.json file)"; Karnin, Lang and Liberty, "Optimal quantile approximation in streams" (2016) for the sketch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.alerts.violations import MODEL_MONITOR_PREFIX
from backend.aws.bucket import write_object
from backend.aws.environment import Environment
from backend.errors import BaselineTooSmall
from backend.evaluation import Evaluation
from backend.monitoring import CaptureSource, Selection
from backend.monitoring.sources import cache_path
from backend.monitoring.store import store_at

STATISTICS_KEY: Final = f"{MODEL_MONITOR_PREFIX}statistics.json"
CONSTRAINTS_KEY: Final = f"{MODEL_MONITOR_PREFIX}constraints.json"
MOST_RECORDS: Final = 1_000_000
_BUCKETS: Final = 10  # Model Monitor's, which cannot be changed
_SKETCH: Final = {"c": 0.64, "k": 2048.0}
_NUMBERS: Final = ("confidence", "brightness", "contrast", "sharpness")


@dataclass(frozen=True)
class Baseline:
    """Features of `items` records: numbers, NaN where one is missing, and texts."""

    items: int
    numbers: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, Sequence[str]]


def baseline_of_evaluation(evaluation: Evaluation) -> Baseline:
    """The model's answers to its test images; raises BaselineTooSmall where there is none."""
    answers = evaluation.test
    classes = [evaluation.labels[index] for index in answers.predicted]
    return _checked(Baseline(len(classes), {"confidence": answers.confidence}, {"predicted_class": classes}))


def baseline_of_records(
    environment: Environment, source: CaptureSource, selection: Selection, labels: Sequence[str]
) -> Baseline:
    """Captured records, at most the newest million, with what was measured of their pictures; raises BaselineTooSmall.

    A class without a name is called by its number.
    """
    condition, values = selection.condition()
    sql = f"""SELECT {", ".join(_NUMBERS)}, class_index FROM records WHERE {condition}
        ORDER BY time DESC LIMIT {MOST_RECORDS}"""  # noqa: S608  our own words
    store = store_at(cache_path(environment, source))
    rows = store.query(sql, values) if store.path.exists() else []
    table = np.array(rows, np.float64).reshape(-1, len(_NUMBERS) + 1)
    numbers = {name: table[:, place] for place, name in enumerate(_NUMBERS) if not np.isnan(table[:, place]).all()}
    classes = [labels[index] if index < len(labels) else f"class {index}" for index in table[:, -1].astype(int)]
    return _checked(Baseline(len(classes), numbers, {"predicted_class": classes}))


def write_baseline(environment: Environment, baseline: Baseline) -> None:
    """Write both files in the place of the last ones; raises AwsRequestError."""
    for key, content in ((STATISTICS_KEY, statistics_of(baseline)), (CONSTRAINTS_KEY, constraints_of(baseline))):
        body = json.dumps(content, indent=2).encode()
        write_object(environment, key, body, "application/json", action="write the baseline")


def statistics_of(baseline: Baseline) -> dict[str, Any]:
    """What `statistics.json` holds."""
    features = [_number_statistics(name, values) for name, values in baseline.numbers.items()]
    features += [_text_statistics(name, values) for name, values in baseline.texts.items()]
    return {"version": 0, "dataset": {"item_count": baseline.items}, "features": features}


def constraints_of(baseline: Baseline) -> dict[str, Any]:
    """What `constraints.json` holds: what the baseline itself keeps, and Model Monitor's usual thresholds."""
    numbers = [
        {
            "name": name,
            "inferred_type": "Fractional",
            "completeness": float(np.mean(~np.isnan(values))),
            "num_constraints": {"is_non_negative": bool(np.nanmin(values) >= 0)},
        }
        for name, values in baseline.numbers.items()
    ]
    texts = [
        {
            "name": name,
            "inferred_type": "String",
            "completeness": 1.0,
            "string_constraints": {"domains": sorted(set(values))},
        }
        for name, values in baseline.texts.items()
    ]
    return {"version": 0, "features": [*numbers, *texts], "monitoring_config": _MONITORING}


_MONITORING: Final[dict[str, Any]] = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    },
}


def sketch(values: NDArray[np.float64]) -> list[list[float]]:
    """The values as a KLL sketch of `k` items a level holds them: each in level i stands for 2^i of them.

    Up to `k` values are there themselves. Of more, evenly spaced ones of the sorted values are, with what does not
    divide in the level of the single ones, so that the weights add up to their number.
    """
    ordered = np.sort(values)
    level = 0
    while len(ordered) >> level > _SKETCH["k"]:
        level += 1
    rest = len(ordered) % (1 << level)
    single = np.linspace(0, len(ordered) - 1, rest + 2)[1:-1].round().astype(int) if rest else np.array([], int)
    others = np.delete(ordered, single)
    data: list[list[float]] = [[] for _ in range(level + 1)]
    data[0] = ordered[single].tolist()
    data[level] += others[(1 << level) // 2 :: 1 << level].tolist()
    return data


def _number_statistics(name: str, values: NDArray[np.float64]) -> dict[str, Any]:
    there = values[~np.isnan(values)]
    counts, edges = np.histogram(there, _BUCKETS)
    return {
        "name": name,
        "inferred_type": "Fractional",
        "numerical_statistics": {
            "common": {"num_present": len(there), "num_missing": len(values) - len(there)},
            "mean": float(there.mean()),
            "sum": float(there.sum()),
            "std_dev": float(there.std()),
            "min": float(there.min()),
            "max": float(there.max()),
            "distribution": {
                "kll": {
                    "buckets": [
                        {"lower_bound": float(low), "upper_bound": float(high), "count": float(count)}
                        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
                    ],
                    "sketch": {"parameters": _SKETCH, "data": sketch(there)},
                }
            },
        },
    }


def _text_statistics(name: str, values: Sequence[str]) -> dict[str, Any]:
    there, counts = np.unique(np.array(values), return_counts=True)
    buckets = [{"value": str(value), "count": int(count)} for value, count in zip(there, counts, strict=True)]
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": len(values), "num_missing": 0},
            "distinct_count": float(len(there)),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }


def _checked(baseline: Baseline) -> Baseline:
    if not baseline.items:
        raise BaselineTooSmall("There is no record to make a baseline of. Choose a longer time.")
    return baseline
