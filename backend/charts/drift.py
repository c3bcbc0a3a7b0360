"""Figures of the drift alarm: its evidence over time, and a feature before and after a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from backend.charts.style import CLEAR, NEUTRAL_COLOR, PALETTE, styled

_BEFORE, _AFTER = PALETTE[0], PALETTE[5]
_LEAST: Final = 1.0
"""Evidence below which nothing is told apart: the axis is logarithmic."""
_BINS: Final = 32


def drift_evidence(
    evidence: pd.DataFrame,
    promise: int,
    *,
    change_at: datetime | None = None,
    raised_at: datetime | None = None,
    earlier: Sequence[datetime] = (),
) -> go.Figure:
    """How much speaks for a change over time (columns time and evidence), and the promise at which the alarm is raised.

    `change_at` is since when things are otherwise by the estimate; `earlier` is when alarms were raised that somebody
    has acknowledged. Times are UTC.
    """
    figure = go.Figure(
        go.Scatter(
            x=evidence["time"],
            y=evidence["evidence"].clip(lower=_LEAST),
            name="Evidence",
            mode="lines+markers" if len(evidence) < 100 else "lines",
            marker={"size": 4},
            line={"color": NEUTRAL_COLOR, "width": 1.5},
            hovertemplate="%{x|%Y-%m-%d %H:%M:%S}: %{y:,.3g}<extra></extra>",
        )
    )
    figure.add_hline(
        promise,
        line={"color": _AFTER, "dash": "dash", "width": 1.5},
        annotation_text=f"alarm at {promise:,}",
        annotation_font_color=_AFTER,
        annotation_position="top left",
    )
    for raised in earlier:
        _mark(figure, raised, "acknowledged alarm", NEUTRAL_COLOR, "dot", level=0.6, is_before=True)
    if raised_at is not None:
        _mark(figure, raised_at, "raised", _AFTER, "solid", level=0.9)
    if change_at is not None:
        _mark(figure, change_at, "changed about here", PALETTE[0], "solid", level=0.75, is_before=True)
    highest = max(promise, float(evidence["evidence"].max()) if len(evidence) else 0.0)
    figure.update_yaxes(title="Evidence", type="log", range=[-0.1, np.log10(highest) + 0.5], fixedrange=True, dtick=1)
    figure.update_xaxes(title="Time (UTC)", nticks=6, tickangle=0)
    figure.update_layout(showlegend=False, hovermode="closest", uirevision="kept")
    return styled(figure, height=280)


def mark_changes(figure: go.Figure, times: Sequence[datetime]) -> go.Figure:
    """A figure over time with a line at each of these times, since when things are otherwise."""
    for time in times:
        _mark(figure, time, "changed about here", PALETTE[0], "solid", level=0.98, is_before=True)
    return figure


def drift_distribution(before: NDArray[np.float64], after: NDArray[np.float64], title: str) -> go.Figure:
    """A feature's values before and after: the share of each that lies in a bin; both have values."""
    low, high = (float(of(np.concatenate([before, after]))) for of in (np.min, np.max))
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    figure = go.Figure()
    for name, values, color, fill in (
        ("Before", before, _BEFORE, "rgba(0,114,178,0.25)"),
        ("After", after, _AFTER, "rgba(213,94,0,0.25)"),
    ):
        counts, _ = np.histogram(values, edges)
        shares = counts / len(values)
        figure.add_scatter(
            x=edges,
            y=np.append(shares, shares[-1]),
            name=f"{name} ({len(values):,})",
            mode="lines",
            line={"color": color, "width": 1.5, "shape": "hv"},
            fill="tozeroy",
            fillcolor=fill,
            hovertemplate=f"{name}: %{{y:.1%}} from %{{x:.3g}}<extra></extra>",
        )
    figure.update_xaxes(title=title, fixedrange=True, nticks=6)
    figure.update_yaxes(title="Share", tickformat=".0%", rangemode="tozero", fixedrange=True)
    figure.update_layout(hovermode="closest", uirevision="kept")
    return styled(figure, height=280)


def drift_bars(
    names: Sequence[str], first: Sequence[float], second: Sequence[float] | None, titles: Sequence[str]
) -> go.Figure:
    """Shares by name, of one thing or of two side by side, which are called by the titles."""
    figure = go.Figure()
    colors = (_BEFORE, _AFTER) if second is not None else (NEUTRAL_COLOR,)
    for title, shares, color in zip(titles, [first] if second is None else [first, second], colors, strict=True):
        figure.add_bar(
            y=list(names),
            x=list(shares),
            name=title,
            orientation="h",
            marker={"color": color, "line": {"color": CLEAR}},
            hovertemplate="%{y}: %{x:.1%}<extra>" + title + "</extra>",
        )
    axis: dict[str, Any] = {"fixedrange": True}
    figure.update_xaxes(tickformat=".0%", range=[0, 1], **axis)
    figure.update_yaxes(autorange="reversed", automargin=True, **axis)
    figure.update_layout(barmode="group", bargap=0.3, uirevision="kept", showlegend=second is not None)
    return styled(figure, height=70 + len(names) * (44 if second is not None else 30))


def _mark(
    figure: go.Figure, at: datetime, text: str, color: str, dash: str, *, level: float, is_before: bool = False
) -> None:
    """A line at a time, with a word beside it at this height of the figure, from 0 to 1."""
    x = f"{at:%Y-%m-%d %H:%M:%S.%f}"  # Plotly knows no zones
    line = {"color": color, "dash": dash, "width": 1.5}
    figure.add_shape(type="line", x0=x, x1=x, y0=0, y1=1, yref="paper", line=line)
    figure.add_annotation(
        x=x,
        y=level,
        yref="paper",
        text=text,
        showarrow=False,
        font={"color": color},
        xanchor="right" if is_before else "left",
        xshift=-4 if is_before else 4,
    )
