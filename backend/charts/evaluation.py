"""Figures of a model's evaluation.

A point's customdata says what a click on it means: "cell" and the class indexes of what was and of what was answered,
"threshold" and its value.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from backend.charts.style import NEUTRAL_COLOR, PALETTE, empty_figure, styled

_BAND: Final = "rgba(122,139,153,0.25)"
_RIGHT, _WRONG = "0,114,178", "213,94,0"
_CELL: Final = 64  # pixels, where there are few classes
_MOST_POINTS: Final = 1_000  # of a curve: more cannot be told apart
_MARKS: Final = ("diamond", "star", "x", "triangle-up")


def confusion_squares(matrix: NDArray[np.int64], labels: Sequence[str]) -> go.Figure:
    """How often images of a class (row) were answered with a class (column); a square is darker the more of its row.

    Right answers are blue, wrong ones orange. Squares, as Streamlit tells of no click on Plotly's heatmaps.
    """
    size = len(labels)
    cell = max(26, min(_CELL, 520 // size))
    truth, predicted = (axis.ravel() for axis in np.indices(matrix.shape))
    counts = matrix.ravel()
    of_row = counts / np.maximum(matrix.sum(axis=1), 1)[truth]
    colors = [
        f"rgba({_RIGHT if row == column else _WRONG},{0.06 + 0.84 * share:.3f})"
        for row, column, share in zip(truth, predicted, of_row, strict=True)
    ]
    names = [html.escape(label.replace("_", " "), quote=False) for label in labels]
    figure = go.Figure(
        go.Scatter(
            x=predicted,
            y=truth,
            mode="markers+text",
            text=[f"{count:,}" if count else "" for count in counts],
            textfont={"color": ["white" if share > 0.5 else NEUTRAL_COLOR for share in of_row], "size": 13},
            marker={"symbol": "square", "size": cell - 3, "color": colors, "opacity": 1, "line": {"width": 0}},
            customdata=[["cell", int(row), int(column)] for row, column in zip(truth, predicted, strict=True)],
            hovertext=[
                f"{names[row]} answered as {names[column]}: {count:,}, {share:.0%} of its images"
                for row, column, count, share in zip(truth, predicted, counts, of_row, strict=True)
            ],
            hoverinfo="text",
            unselected={"marker": {"opacity": 0.55}, "textfont": {"color": NEUTRAL_COLOR}},
        )
    )
    axis = {"tickvals": list(range(size)), "ticktext": names, "showgrid": False, "zeroline": False, "fixedrange": True}
    figure.update_xaxes(
        title="Answered", range=[-0.5, size - 0.5], side="top", tickangle=-40 if size > 3 else 0, **axis
    )
    figure.update_yaxes(title="What it is", range=[size - 0.5, -0.5], **axis)
    longest = max(map(len, labels))
    left, top = 50 + 7 * longest, 50 + (5 * longest if size > 3 else 20)
    styled(figure, height=top + size * cell + 15)
    figure.update_layout(
        width=left + size * cell + 15,
        margin={"l": left, "r": 15, "t": top, "b": 15},
        dragmode=False,
        uirevision="kept",
    )
    return figure


def reliability_diagram(bins: pd.DataFrame) -> go.Figure:
    """How often answers of about one confidence were right, with their 95 % intervals, beside the ideal line.

    Columns images, confidence, accuracy, accuracy_low, accuracy_high.
    """
    if bins.empty:
        return empty_figure("There is no answer to compare with")
    figure = go.Figure()
    line = {"color": NEUTRAL_COLOR, "dash": "dot", "width": 1.5}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="As sure as right", line=line, hoverinfo="skip")
    figure.add_scatter(
        x=bins["confidence"],
        y=bins["accuracy"],
        mode="markers",
        name="This model, the larger the more images",
        cliponaxis=False,
        marker={"color": PALETTE[0], "size": 6 + 16 * np.sqrt(bins["images"] / bins["images"].sum())},
        error_y={
            "array": bins["accuracy_high"] - bins["accuracy"],
            "arrayminus": bins["accuracy"] - bins["accuracy_low"],
            "thickness": 1.2,
        },
        customdata=bins["images"],
        hovertemplate="%{customdata:,} images, sure to %{x:.1%}: %{y:.1%} right<extra></extra>",
    )
    least = float(min(bins["confidence"].min(), bins["accuracy_low"].min()))
    figure.update_xaxes(title="Confidence", tickformat=".0%", range=[max(0.0, least - 0.05), 1.02], fixedrange=True)
    figure.update_yaxes(title="Right", tickformat=".0%", range=[max(0.0, least - 0.05), 1.02], fixedrange=True)
    return styled(figure, height=380)


def coverage_curve(curve: pd.DataFrame, marks: Mapping[str, tuple[float, float]]) -> go.Figure:
    """The share of right ones among those passed, by the share that is passed on, with each point's 95 % interval.

    Columns threshold, coverage, accuracy, accuracy_low, accuracy_high; `marks` are places (coverage, accuracy) by name.
    """
    if curve.empty:
        return empty_figure("No image could be passed on")
    shown = _thinned(curve)
    figure = go.Figure()
    edge = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure.add_scatter(x=shown["coverage"], y=shown["accuracy_high"], showlegend=False, **edge)
    figure.add_scatter(
        x=shown["coverage"], y=shown["accuracy_low"], name="95 % interval", fill="tonexty", fillcolor=_BAND, **edge
    )
    figure.add_scatter(
        **_thresholds(shown, "accuracy"),
        name="Right among those passed",
        hovertemplate="Threshold %{customdata[1]:.4f}: %{x:.1%} passed, %{y:.1%} of them right<extra></extra>",
    )
    for symbol, (name, (coverage, accuracy)) in zip(_MARKS, marks.items(), strict=False):
        _add_mark(figure, name, coverage, accuracy, symbol)
    least = min([float(shown["accuracy"].min()), *(accuracy for _, accuracy in marks.values())])
    figure.update_yaxes(
        title="Right among those passed", tickformat=".0%", range=[max(0.0, least - 0.06), 1.01], fixedrange=True
    )
    return _over_coverage(figure)


def cost_curve(costs: pd.DataFrame) -> go.Figure:
    """What 100 images cost, by the share that is passed on, with the cheapest marked.

    Columns threshold, coverage, cost.
    """
    if costs.empty:
        return empty_figure("No image could be passed on")
    figure = go.Figure()
    figure.add_scatter(
        **_thresholds(_thinned(costs), "cost"),
        showlegend=False,
        hovertemplate="Threshold %{customdata[1]:.4f}: %{x:.1%} passed, cost %{y:,.2f}<extra></extra>",
    )
    cheapest = costs.iloc[int(costs["cost"].to_numpy().argmin())]
    _add_mark(figure, f"Cheapest: {cheapest['cost']:,.2f}", cheapest["coverage"], cheapest["cost"], "star")
    figure.update_yaxes(title="Cost of 100 images", rangemode="tozero", fixedrange=True)
    return _over_coverage(figure, height=300)


def _thresholds(frame: pd.DataFrame, column: str) -> dict[str, Any]:
    """A line whose points lead to their threshold."""
    return {
        "x": frame["coverage"],
        "y": frame[column],
        "mode": "lines+markers",
        "line": {"color": PALETTE[0], "width": 1.5},
        "marker": {"size": 6},
        "customdata": [["threshold", float(value)] for value in frame["threshold"]],
        "unselected": {"marker": {"opacity": 0.75}},
    }


def _add_mark(figure: go.Figure, name: str, x: float, y: float, symbol: str) -> None:
    figure.add_scatter(
        x=[x],
        y=[y],
        name=name,
        mode="markers",
        marker={"symbol": symbol, "size": 13, "color": PALETTE[5], "line": {"width": 1, "color": "white"}},
        hovertemplate=f"{name}<extra></extra>",
        unselected={"marker": {"opacity": 1}},
    )


def _over_coverage(figure: go.Figure, height: int = 380) -> go.Figure:
    figure.update_xaxes(title="Passed on", tickformat=".0%", range=[0, 1.02], fixedrange=True)
    figure.update_layout(hovermode="closest", dragmode=False, uirevision="kept")
    return styled(figure, height=height)


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    places = np.unique(np.linspace(0, len(frame) - 1, min(len(frame), _MOST_POINTS)).round().astype(int))
    return frame.iloc[places]
