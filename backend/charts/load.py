"""Figures of the traffic that was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import pandas as pd
import plotly.graph_objects as go

from backend.charts.style import NEUTRAL_COLOR, PALETTE, empty_figure, styled

_APART: Final = 0.12  # of the width: changes that are closer than this share a name
_KINDS: Final = (
    ("in_time", "Sent", PALETTE[0], "sent in time"),
    ("late", "Sent late", PALETTE[1], "sent late"),
    ("not_started", "Not started", PALETTE[5], "not started"),
)


def sent_over_time(
    steps: pd.DataFrame,
    step: timedelta,
    changes: Sequence[tuple[datetime, str]],
    window: tuple[datetime, datetime],
) -> go.Figure:
    """How many images were sent in each step of time beside how many were to be, and where the drift was changed.

    Columns time, wanted, sent, late (of those sent) and not_started; `changes` are times with the drift from then on.
    """
    if steps.empty:
        return empty_figure("Nothing was sent yet")
    counts = steps.assign(in_time=steps["sent"] - steps["late"])
    figure = go.Figure()
    for column, name, color, words in _KINDS:
        if column == "in_time" or counts[column].any():
            figure.add_bar(
                x=counts["time"],
                y=counts[column],
                width=step / timedelta(milliseconds=1),
                offset=0,
                name=name,
                marker={"color": color, "line": {"width": 0}},
                hovertemplate=f"%{{x|%H:%M:%S}}: %{{y}} {words}<extra></extra>",
            )
    figure.add_scatter(
        x=counts["time"] + pd.Timedelta(step) / 2,
        y=counts["wanted"],
        name="Wanted on average",
        mode="lines",
        line={"color": NEUTRAL_COLOR, "dash": "dot", "width": 2},
        hovertemplate="%{y:.1f} wanted on average<extra></extra>",
    )
    _mark(figure, changes, window)
    figure.update_layout(barmode="stack", bargap=0, hovermode="closest", showlegend=True, uirevision="kept")
    figure.update_xaxes(range=[f"{time:%Y-%m-%d %H:%M:%S.%f}" for time in window], title="Time (UTC)", fixedrange=True)
    figure.update_yaxes(title="Images", rangemode="tozero", fixedrange=True)
    styled(figure, height=300)
    figure.update_layout(margin={"t": 70}, legend={"y": 1.12})
    return figure


def _mark(figure: go.Figure, changes: Sequence[tuple[datetime, str]], window: tuple[datetime, datetime]) -> None:
    """A line for each change of the drift, with its words above where there is room: those of the last always are."""
    room = (window[1] - window[0]) * _APART
    for at, (time, words) in enumerate(changes):
        is_named = at + 1 == len(changes) or changes[at + 1][0] - time >= room
        text = f"{time:%Y-%m-%d %H:%M:%S.%f}"
        figure.add_shape(
            type="line",
            x0=text,
            x1=text,
            y0=0,
            y1=1,
            yref="paper",
            line={"color": PALETTE[3], "width": 1.5, "dash": "dash"},
        )
        if is_named:
            figure.add_annotation(
                x=text,
                y=1,
                yref="paper",
                text=words,
                showarrow=False,
                yanchor="bottom",
                xanchor="left" if time < window[0] + (window[1] - window[0]) / 2 else "right",
                font={"color": PALETTE[3]},
            )
