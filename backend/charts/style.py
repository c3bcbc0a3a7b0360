"""What all figures have in common: colors, the threshold's line, margins; drawn alike in light and dark."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
"""Okabe and Ito's colors, which people with any kind of color vision tell apart."""
NEUTRAL_COLOR = "#7A8B99"
"""For what is not of one class."""
CLEAR = "rgba(0,0,0,0)"
_THRESHOLD_COLOR = "#D55E00"


def add_threshold(figure: go.Figure, threshold: float | None, *, horizontal: bool) -> None:
    if threshold is None:
        return
    line = {"line": {"color": _THRESHOLD_COLOR, "dash": "dash", "width": 1.5}}
    note = {"annotation_text": f"threshold {threshold:g}", "annotation_font_color": _THRESHOLD_COLOR}
    if horizontal:
        figure.add_hline(threshold, **line, **note, annotation_position="right")
    else:
        figure.add_vline(threshold, **line, **note, annotation_position="top left")


def class_label(labels: Sequence[str], index: int) -> str:
    return labels[index] if index < len(labels) else f"class {index}"


def class_color(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def empty_figure(text: str) -> go.Figure:
    figure = go.Figure()
    figure.add_annotation(text=text, showarrow=False, font={"size": 15}, x=0.5, y=0.5, xref="paper", yref="paper")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return styled(figure, height=220)


def styled(figure: go.Figure, height: int = 360, right: int = 10) -> go.Figure:
    """The page's own background and fonts show through; `height` and the `right` margin are pixels."""
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": right, "t": 30, "b": 10},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
    )
    return figure
