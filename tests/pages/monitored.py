"""What the Monitoring page shows."""

from __future__ import annotations

import base64
import json
from typing import Any

from streamlit.testing.v1 import AppTest

PAGE = "monitoring"
OVER_TIME, HISTOGRAM = "Confidence over time", "Histogram of confidences"


def figures(app: AppTest) -> dict[str, Any]:
    """The charts on the page, by what they are called."""
    return {chart.proto.alt: json.loads(chart.proto.spec) for chart in app.get("plotly_chart")}


def points(app: AppTest) -> dict[str, int]:
    """The record behind each point of the chart over time, by its inference id."""
    traces = figures(app)[OVER_TIME]["data"]
    return {inference: record for trace in traces for _, record, _, inference in trace["customdata"]}


def counts(trace: dict[str, Any]) -> list[int]:
    """The heights of bars, which may be packed."""
    heights = trace["y"]
    if isinstance(heights, dict):
        size = {"i1": 1, "i2": 2, "i4": 4, "u1": 1, "u2": 2}[heights["dtype"]]
        content = base64.b64decode(heights["bdata"])
        return [int.from_bytes(content[at : at + size], "little") for at in range(0, len(content), size)]
    return list(heights)


def wall(app: AppTest) -> list[str]:
    """The confidences below the images on the wall, in their order."""
    return [button.label for button in app.button if (button.key or "").startswith("monitoring.wall.open.")]
