"""Figures of captured inferences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from backend.charts.style import CLEAR, NEUTRAL_COLOR, add_threshold, class_color, class_label, empty_figure, styled

_MANY_POINTS = 3_000  # more than a browser draws smoothly as SVG
_AXIS = {"tickformat": ".2f", "title": "Confidence"}


def confidence_over_time(frame: pd.DataFrame, threshold: float | None, labels: Sequence[str]) -> go.Figure:
    """Captured confidences; filled above the threshold, open below it, and all filled where there is none.

    Columns time, confidence, predicted_index, inference_id and record_id, which each point carries in customdata[0].
    """
    if frame.empty:
        return empty_figure("No captured inference in this range")
    figure = go.Figure()
    scatter = go.Scattergl if len(frame) > _MANY_POINTS else go.Scatter
    for index, points in frame.groupby("predicted_index"):
        passes = points["confidence"] >= (threshold or 0)
        figure.add_trace(
            scatter(
                x=points["time"],
                y=points["confidence"],
                name=class_label(labels, int(str(index))),
                mode="markers",
                customdata=points[["record_id", "inference_id"]].fillna("none").to_numpy(),
                marker={
                    "color": class_color(int(str(index))),
                    "size": 8,
                    "symbol": ["circle" if passed else "circle-open" for passed in passes],
                    "line": {"width": 1.5, "color": class_color(int(str(index)))},
                },
                hovertemplate="%{y:.3f} at %{x|%Y-%m-%d %H:%M:%S}<br>Inference %{customdata[1]}",
            )
        )
    add_threshold(figure, threshold, horizontal=True)
    figure.update_xaxes(title="Time (UTC)")
    figure.update_yaxes(range=[_lowest(frame, threshold), 1.02], **_AXIS)
    figure.update_layout(hovermode="closest", clickmode="event+select", dragmode="zoom")
    return styled(figure, right=90 if threshold is not None else 10)  # the note stands beside the points


def confidence_histogram(frame: pd.DataFrame, threshold: float | None) -> go.Figure:
    """How many captured inferences had which confidence, in steps of 0.02; filled above the threshold, open below it.

    Column confidence. Without a threshold there is one kind of inference, and no legend.
    """
    if frame.empty:
        return empty_figure("No captured inference in this range")
    figure = go.Figure()
    passes = frame["confidence"] >= (threshold or 0)
    kinds = [
        ("At or above the threshold", frame[passes], NEUTRAL_COLOR),
        ("Below the threshold", frame[~passes], CLEAR),
    ]
    for name, values, color in kinds if threshold is not None else [("Inferences", frame, NEUTRAL_COLOR)]:
        figure.add_histogram(
            x=values["confidence"].clip(upper=1 - 1e-9),  # else the certain ones stand alone, in a step beyond 1
            name=name,
            marker={"color": color, "line": {"color": NEUTRAL_COLOR, "width": 1.5}},
            xbins={"start": 0, "end": 1, "size": 0.02},
            hovertemplate="%{y} inferences at %{x}",
        )
    add_threshold(figure, threshold, horizontal=False)
    figure.update_xaxes(range=[_lowest(frame, threshold), 1.02], **_AXIS)
    figure.update_yaxes(title="Inferences")
    figure.update_layout(barmode="stack", bargap=0.05)
    return styled(figure)


def _lowest(frame: pd.DataFrame, threshold: float | None) -> float:
    """Where the axis of confidences begins: a little below the least that is drawn."""
    least = min(frame["confidence"].min(), threshold if threshold is not None else 1.0)
    return max(0.0, float(least) - 0.05)
