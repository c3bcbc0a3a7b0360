"""Executions as files: all that meet some filters, as far as they are known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from backend.aws.environment import Environment
from backend.workflow.execution_list import Filters
from backend.workflow.execution_store import store_of
from backend.workflow.outcome import Execution

_COLUMNS: Final = (
    "name", "arn", "status", "outcome", "image", "true_label", "predicted_label", "confidence", "threshold",
    "probabilities", "started_at", "stopped_at", "seconds", "error", "cause",
)  # fmt: skip
_ALL: Final = -1  # SQLite's limit for none


def export_executions(
    environment: Environment, filters: Filters, form: Literal["csv", "json"], true_labels: Mapping[str, str]
) -> bytes:
    """What meets the filters, newest first, in UTF-8: a JSON list of objects, or CSV with a header.

    `true_labels` are by the image's key. Times are ISO 8601 in UTC, seconds decimal. What was not described yet has no
    outcome where only that would tell it, and neither image nor verdict.
    """
    store = store_of(environment)
    condition, values = filters.condition()
    unknown = set(store.undescribed(_ALL))
    rows = [
        _row(environment, execution, true_labels, is_known=execution.name not in unknown)
        for execution in store.executions(condition, values, _ALL)
    ]
    if form == "json":
        return json.dumps(rows, ensure_ascii=False, indent=1).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows(row | {"probabilities": json.dumps(row["probabilities"])} for row in rows)
    return text.getvalue().encode()


def _row(
    environment: Environment, execution: Execution, true_labels: Mapping[str, str], *, is_known: bool
) -> dict[str, Any]:
    verdict, stopped_at = execution.verdict, execution.stopped_at
    return {
        "name": execution.name,
        "arn": environment.names.execution_arn(execution.name),
        "status": execution.status,
        "outcome": str(execution.outcome) if is_known or execution.status != "FAILED" else None,
        "image": execution.s3_key,
        "true_label": true_labels.get(execution.s3_key or ""),
        "predicted_label": verdict.predicted_label if verdict else None,
        "confidence": verdict.confidence if verdict else None,
        "threshold": verdict.threshold if verdict else None,
        "probabilities": list(verdict.probabilities) if verdict else None,
        "started_at": execution.started_at.isoformat(),
        "stopped_at": stopped_at.isoformat() if stopped_at else None,
        "seconds": (stopped_at - execution.started_at).total_seconds() if stopped_at else None,
        "error": execution.error,
        "cause": execution.cause,
    }
