"""Figures of how often a model is right: intervals below each other, and what differs between two windows."""

from __future__ import annotations

import html
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from backend.charts.style import NEUTRAL_COLOR, PALETTE, empty_figure, styled

_ROW: Final = 44  # pixels
_AROUND: Final = 70


def accuracy_intervals(rows: pd.DataFrame) -> go.Figure:
    """Accuracies, each with its interval, in the order of the rows.

    Columns title, value, low, high, from 0 to 1.
    """
    if rows.empty:
        return empty_figure("No accuracy is known")
    figure = _intervals(rows, PALETTE[0])
    least = float(rows["low"].min())
    figure.update_xaxes(tickformat=".0%", range=[max(0.0, least - 0.05), 1.01])
    return figure


def accuracy_differences(rows: pd.DataFrame) -> go.Figure:
    """What the second window has more than the first, in points, with intervals; those without zero are colored.

    Columns title, value, low, high, from -1 to 1, and is_certain.
    """
    if rows.empty:
        return empty_figure("Nothing is known of both")
    colors = [PALETTE[5] if certain else NEUTRAL_COLOR for certain in rows["is_certain"]]
    figure = _intervals(rows, colors)
    figure.add_vline(0, line={"color": NEUTRAL_COLOR, "dash": "dot", "width": 1.5})
    most = max(0.05, float(rows[["low", "high"]].abs().to_numpy().max())) * 1.1
    figure.update_xaxes(tickformat="+.0%", range=[-most, most])
    return figure


def _intervals(rows: pd.DataFrame, colors: str | list[str]) -> go.Figure:
    each = [colors] * len(rows) if isinstance(colors, str) else colors
    figure = go.Figure()
    for color, row in zip(each, rows.itertuples(), strict=True):
        figure.add_scatter(
            x=[row.value],
            y=[html.escape(str(row.title), quote=False)],
            mode="markers",
            marker={"size": 10, "color": color},
            error_x={
                "array": [float(str(row.high)) - float(str(row.value))],
                "arrayminus": [float(str(row.value)) - float(str(row.low))],
                "thickness": 2,
                "width": 6,
            },
            customdata=[[row.low, row.high]],
            hovertemplate="%{y}: %{x:.1%}, from %{customdata[0]:.1%} to %{customdata[1]:.1%}<extra></extra>",
            showlegend=False,
        )
    figure.update_xaxes(fixedrange=True, zeroline=False)
    figure.update_yaxes(autorange="reversed", fixedrange=True, type="category")
    figure.update_layout(dragmode=False)
    return styled(figure, height=_AROUND + _ROW * len(rows))
