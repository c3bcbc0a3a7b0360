"""Figures from values and data frames: pure functions, drawn alike in light and dark."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Okabe and Ito's colours, which people with any kind of colour vision tell apart."""
_THRESHOLD_COLOR = "#D55E00"
_NEUTRAL_COLOR = "#7A8B99"
"""For what is not of one class."""
_CLEAR = "rgba(0,0,0,0)"
_MANY_POINTS = 3_000  # more than a browser draws smoothly as SVG
_CONFIDENCE = {"tickformat": ".2f", "title": "Confidence"}


def accuracy_by_epoch(epochs: pd.DataFrame) -> go.Figure:
    """Training and validation accuracy; columns epoch (from 0), train_accuracy, validation_accuracy, from 0 to 1."""
    if epochs.empty:
        return _empty("No epoch has ended yet")
    figure = go.Figure()
    for column, name, color in (
        ("train_accuracy", "Training", PALETTE[4]),
        ("validation_accuracy", "Validation", PALETTE[0]),
    ):
        known = epochs.dropna(subset=[column])
        figure.add_scatter(
            x=known["epoch"] + 1, y=known[column], name=name, mode="lines+markers", line={"color": color, "width": 2}
        )
    figure.update_traces(hovertemplate="%{y:.1%}")
    last = int(epochs["epoch"].max()) + 1
    least = epochs[["train_accuracy", "validation_accuracy"]].astype(float).min().min()
    figure.update_xaxes(title="Epoch", tick0=0, dtick=-(-last // 10), range=[0.5, last + 0.5])
    figure.update_yaxes(title="Accuracy", tickformat=".0%", range=[max(0.0, least - 0.05), 1.02])
    return _styled(figure)


def confidence_over_time(frame: pd.DataFrame, threshold: float | None, labels: Sequence[str]) -> go.Figure:
    """Captured confidences; filled above the threshold, open below it.

    Columns time, confidence, predicted_index, inference_id and record_id, which each point carries in customdata[0].
    """
    if frame.empty:
        return _empty("No captured inference in this range")
    figure = go.Figure()
    scatter = go.Scattergl if len(frame) > _MANY_POINTS else go.Scatter
    for index, points in frame.groupby("predicted_index"):
        passes = points["confidence"] >= (threshold or 0)
        figure.add_trace(
            scatter(
                x=points["time"],
                y=points["confidence"],
                name=_label(labels, int(str(index))),
                mode="markers",
                customdata=points[["record_id", "inference_id"]].fillna("none").to_numpy(),
                marker={
                    "color": _color(int(str(index))),
                    "size": 8,
                    "symbol": ["circle" if passed else "circle-open" for passed in passes],
                    "line": {"width": 1.5, "color": _color(int(str(index)))},
                },
                hovertemplate="%{y:.3f} at %{x|%Y-%m-%d %H:%M:%S}<br>Inference %{customdata[1]}",
            )
        )
    _add_threshold(figure, threshold, horizontal=True)
    figure.update_xaxes(title="Time (UTC)")
    figure.update_yaxes(range=[_lowest(frame, threshold), 1.02], **_CONFIDENCE)
    figure.update_layout(hovermode="closest", clickmode="event+select", dragmode="zoom")
    return _styled(figure, right=90 if threshold is not None else 10)  # the note stands beside the points


def confidence_histogram(frame: pd.DataFrame, threshold: float | None) -> go.Figure:
    """How many captured inferences had which confidence, in steps of 0.02; filled above the threshold, open below it.

    Column confidence.
    """
    if frame.empty:
        return _empty("No captured inference in this range")
    figure = go.Figure()
    passes = frame["confidence"] >= (threshold or 0)
    for name, values, color in (
        ("At or above the threshold", frame[passes], _NEUTRAL_COLOR),
        ("Below the threshold", frame[~passes], _CLEAR),
    ):
        figure.add_histogram(
            x=values["confidence"].clip(upper=1 - 1e-9),  # else the certain ones stand alone, in a step beyond 1
            name=name,
            marker={"color": color, "line": {"color": _NEUTRAL_COLOR, "width": 1.5}},
            xbins={"start": 0, "end": 1, "size": 0.02},
            hovertemplate="%{y} inferences at %{x}",
        )
    _add_threshold(figure, threshold, horizontal=False)
    figure.update_xaxes(range=[_lowest(frame, threshold), 1.02], **_CONFIDENCE)
    figure.update_yaxes(title="Inferences")
    figure.update_layout(barmode="stack", bargap=0.05)
    return _styled(figure)


def probabilities_bar(probabilities: Sequence[float], labels: Sequence[str], threshold: float | None) -> go.Figure:
    """One bar for each class, the most probable on top."""
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index])
    figure = go.Figure(
        go.Bar(
            x=[probabilities[index] for index in order],
            y=[_label(labels, index) for index in order],
            orientation="h",
            marker={"color": [_color(index) for index in order]},
            text=[f"{probabilities[index]:.3f}" for index in order],
            textposition="auto",
            textangle=0,
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )
    )
    _add_threshold(figure, threshold, horizontal=False)
    figure.update_annotations(yanchor="bottom")  # above the bars: on one, the text could not be read
    figure.update_xaxes(title="Probability", range=[0, 1.02], tickformat=".1f")
    return _styled(figure, height=110 + 45 * len(probabilities))


def _add_threshold(figure: go.Figure, threshold: float | None, *, horizontal: bool) -> None:
    if threshold is None:
        return
    line = {"line": {"color": _THRESHOLD_COLOR, "dash": "dash", "width": 1.5}}
    note = {"annotation_text": f"threshold {threshold:g}", "annotation_font_color": _THRESHOLD_COLOR}
    if horizontal:
        figure.add_hline(threshold, **line, **note, annotation_position="right")
    else:
        figure.add_vline(threshold, **line, **note, annotation_position="top left")


def _lowest(frame: pd.DataFrame, threshold: float | None) -> float:
    """Where the axis of confidences begins: a little below the least that is drawn."""
    least = min(frame["confidence"].min(), threshold if threshold is not None else 1.0)
    return max(0.0, float(least) - 0.05)


def _label(labels: Sequence[str], index: int) -> str:
    return labels[index] if index < len(labels) else f"class {index}"


def _color(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def _empty(text: str) -> go.Figure:
    figure = go.Figure()
    figure.add_annotation(text=text, showarrow=False, font={"size": 15}, x=0.5, y=0.5, xref="paper", yref="paper")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return _styled(figure, height=220)


def _styled(figure: go.Figure, height: int = 360, right: int = 10) -> go.Figure:
    """The page's own background and fonts show through; `height` and the `right` margin are pixels."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": right, "t": 30, "b": 10},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    )
    return figure
