"""Model Monitor's files: of the schema that is published, with what is true of the records.

Source of the schemas: SageMaker developer guide, "Schema for Statistics", "Schema for Constraints" and "Schema for
Violations".
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import numpy as np
import pytest

from backend import alerts, monitoring
from backend.alerts import FIGURES, Comparison, Kept, Rule, Standing, State, baseline, violations
from backend.aws.environment import Environment
from backend.errors import BaselineTooSmall
from backend.evaluation import Evaluation
from backend.evaluation.record import EvaluatedImage
from backend.monitoring import Selection
from tests.backend.alerts.conftest import Record, capture

START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)


def of(properties: dict[str, Any], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def every(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


NUMBER, STRING = {"type": "number"}, {"type": "string"}
COMMON = of({"num_present": NUMBER, "num_missing": NUMBER})
BUCKETS = every(of({"lower_bound": NUMBER, "upper_bound": NUMBER, "count": NUMBER}))
SKETCH = of({"parameters": of({"c": NUMBER, "k": NUMBER}), "data": every(every(NUMBER))})
NUMERICAL = of(
    {
        "common": COMMON,
        **dict.fromkeys(("mean", "sum", "std_dev", "min", "max"), NUMBER),
        "distribution": of({"kll": of({"buckets": BUCKETS, "sketch": SKETCH})}),
    }
)
CATEGORICAL = of({"categorical": of({"buckets": every(of({"value": STRING, "count": NUMBER}))})})
STRINGS = of({"common": COMMON, "distinct_count": NUMBER, "distribution": CATEGORICAL})
NUMERICAL_FEATURE = of(
    {"name": STRING, "inferred_type": {"enum": ["Fractional", "Integral"]}, "numerical_statistics": NUMERICAL}
)
STRING_FEATURE = of({"name": STRING, "inferred_type": {"const": "String"}, "string_statistics": STRINGS})
STATISTICS = of(
    {
        "version": {"const": 0},
        "dataset": of({"item_count": NUMBER}),
        "features": every({"oneOf": [NUMERICAL_FEATURE, STRING_FEATURE]}),
    }
)
ENABLED = {"enum": ["Enabled", "Disabled"]}
CONSTRAINTS = of(
    {
        "version": {"const": 0},
        "features": every(
            of(
                {
                    "name": STRING,
                    "inferred_type": {"enum": ["Integral", "Fractional", "String", "Unknown"]},
                    "completeness": NUMBER,
                    "num_constraints": of({"is_non_negative": {"type": "boolean"}}),
                    "string_constraints": of({"domains": every(STRING)}),
                    "monitoringConfigOverrides": {"type": "object"},
                },
                frozenset({"num_constraints", "string_constraints", "monitoringConfigOverrides"}),
            )
        ),
        "monitoring_config": of(
            {
                "evaluate_constraints": ENABLED,
                "emit_metrics": ENABLED,
                "datatype_check_threshold": NUMBER,
                "domain_content_threshold": NUMBER,
                "distribution_constraints": of(
                    {
                        "perform_comparison": ENABLED,
                        "comparison_threshold": NUMBER,
                        "comparison_method": {"enum": ["Simple", "Robust"]},
                        "categorical_comparison_threshold": NUMBER,
                        "categorical_drift_method": {"enum": ["LInfinity", "ChiSquared"]},
                    }
                ),
            }
        ),
    }
)
CHECKS = [
    "data_type_check",
    "completeness_check",
    "baseline_drift_check",
    "missing_column_check",
    "extra_column_check",
    "categorical_values_check",
]
VIOLATIONS = of(
    {
        "violations": every(
            of({"feature_name": STRING, "constraint_check_type": {"enum": CHECKS}, "description": STRING})
        )
    }
)


def read(project: Environment, name: str) -> dict[str, Any]:
    key = f"alerts/model-monitor/{name}.json"
    found: dict[str, Any] = json.loads(project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read())
    return found


def features(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {feature["name"]: feature for feature in content["features"]}


def test_the_baseline_of_records_is_of_the_schema_and_says_what_numpy_does(project: Environment) -> None:
    rng = np.random.default_rng(3)
    records = [
        Record(START + timedelta(seconds=number), rng.dirichlet([1.0, 1.0, 1.0]).round(4).tolist(), f"e-{number}")
        for number in range(200)
    ]
    capture(project, records)
    selection = Selection(START, START + timedelta(hours=1))
    source = monitoring.project_source(project)
    alerts.write_baseline(project, alerts.baseline_of_records(project, source, selection, ("bicycle", "motorcycle")))
    statistics, constraints = read(project, "statistics"), read(project, "constraints")
    jsonschema.validate(statistics, STATISTICS)
    jsonschema.validate(constraints, CONSTRAINTS)
    confidences = np.array([record.confidence for record in records])
    assert set(features(statistics)) == {"confidence", "predicted_class"}, "no picture was captured"
    said = features(statistics)["confidence"]["numerical_statistics"]
    assert (said["mean"], said["sum"]) == (pytest.approx(confidences.mean()), pytest.approx(confidences.sum()))
    assert (said["min"], said["max"]) == (confidences.min(), confidences.max())
    assert said["std_dev"] == pytest.approx(confidences.std())
    assert sum(bucket["count"] for bucket in said["distribution"]["kll"]["buckets"]) == 200
    [single] = said["distribution"]["kll"]["sketch"]["data"]
    assert single == sorted(confidences.tolist())
    classes = features(statistics)["predicted_class"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    names = ["bicycle", "motorcycle", "class 2"]
    expected = {name: [record.index for record in records].count(index) for index, name in enumerate(names)}
    assert {bucket["value"]: bucket["count"] for bucket in classes} == expected
    assert features(constraints)["predicted_class"]["string_constraints"]["domains"] == sorted(names)
    assert features(constraints)["confidence"]["completeness"] == 1.0
    with pytest.raises(BaselineTooSmall):
        alerts.baseline_of_records(project, source, Selection(START - timedelta(hours=1), START), ())


def test_the_baseline_of_an_evaluation_is_its_test_images() -> None:
    answers = [(0.9, 0.1), (0.3, 0.7), (0.8, 0.2)]
    images = [EvaluatedImage(f"{n}.png", "test", 0, answer) for n, answer in enumerate(answers)]
    images.append(EvaluatedImage("foreign.png", "foreign", None, (0.5, 0.5)))
    evaluation = Evaluation("job", "dataset", ("bicycle", "motorcycle"), True, START, tuple(images))
    found = alerts.baseline_of_evaluation(evaluation)
    statistics = baseline.statistics_of(found)
    jsonschema.validate(statistics, STATISTICS)
    jsonschema.validate(baseline.constraints_of(found), CONSTRAINTS)
    assert statistics["dataset"]["item_count"] == 3
    assert features(statistics)["confidence"]["numerical_statistics"]["mean"] == pytest.approx(0.8)


@pytest.mark.parametrize("number", [1, 2048, 2049, 5000, 100_003])
def test_a_sketch_stands_for_all_values_and_keeps_their_quantiles(number: int) -> None:
    values = np.random.default_rng(number).normal(size=number)
    data = baseline.sketch(values)
    weighted = [(value, 2**level) for level, items in enumerate(data) for value in items]
    assert sum(weight for _, weight in weighted) == number
    assert all(len(items) <= 2048 for items in data)
    ordered = sorted(weighted)
    ranks = np.cumsum([weight for _, weight in ordered]) / number
    for share in (0.1, 0.5, 0.9):
        found = ordered[int(np.searchsorted(ranks, share))][0]
        assert abs(float(np.mean(values <= found)) - share) <= max(0.002, 1 / number)


def test_what_is_in_alarm_is_of_the_schema_for_every_figure() -> None:
    rules = [
        Rule(name, name, Comparison.LESS, 0.5, label="bicycle", level=0.5, rule_id=name, revision=1) for name in FIGURES
    ]
    standings = {rule.rule_id: Standing(State.ALARM, START, START, 1) for rule in rules}
    content = violations.violations_of(rules, Kept(standings))
    jsonschema.validate(content, VIOLATIONS)
    assert len(content["violations"]) == len(FIGURES)
    assert violations.violations_of(rules, Kept()) == {"violations": []}
