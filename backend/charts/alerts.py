"""A figure that a rule watches, with its threshold and the times in which the rule was in ALARM."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from backend.charts.style import NEUTRAL_COLOR, add_threshold, styled

_ALARM_COLOR: Final = "#D55E00"
_OPACITY: Final = 0.14
_RIGHT: Final = 105  # pixels, for the name of the threshold's line

Span = tuple[datetime, datetime]


def add_alarms(figure: go.Figure, spans: Sequence[Span], window: Span) -> None:
    """Shade the times of these spans within the window; each is at least a line."""
    for start, end in spans:
        if end > window[0] and start < window[1]:
            figure.add_vrect(
                x0=_naive(max(start, window[0])),
                x1=_naive(min(end, window[1])),
                fillcolor=_ALARM_COLOR,
                opacity=_OPACITY,
                line={"width": 1, "color": _ALARM_COLOR},
                layer="below",
            )


def watched_figure(
    values: pd.DataFrame, threshold: float, spans: Sequence[Span], window: Span, title: str, *, is_share: bool
) -> go.Figure:
    """A step for each window, broken where there is no value. Columns time, where a window begins, and value."""
    figure = go.Figure()
    figure.add_scatter(
        x=values["time"].dt.tz_localize(None),
        y=values["value"],
        mode="lines+markers",
        line={"color": NEUTRAL_COLOR, "width": 1.5, "shape": "hv"},
        marker={"size": 3},
        connectgaps=False,
        hovertemplate="%{x}<br>%{y:.4g}<extra></extra>",
    )
    add_alarms(figure, spans, window)
    add_threshold(figure, threshold, horizontal=True)
    figure.update_xaxes(range=[_naive(time) for time in window], title="Time (UTC)")
    figure.update_yaxes(title=title, rangemode="tozero", tickformat=".0%" if is_share else None)
    figure.update_layout(dragmode="pan", showlegend=False)
    return styled(figure, height=260, right=_RIGHT)


def _naive(time: datetime) -> str:
    """Plotly knows no zones."""
    return f"{time - (time.utcoffset() or timedelta()):%Y-%m-%d %H:%M:%S}"
