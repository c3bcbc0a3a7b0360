"""Figures of training jobs."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from backend.charts.style import PALETTE, empty_figure, styled


def accuracy_by_epoch(epochs: pd.DataFrame, kept_epoch: int | None = None) -> go.Figure:
    """Training and validation accuracy; columns epoch (from 0), train_accuracy, validation_accuracy, from 0 to 1.

    The epoch whose model is kept is marked.
    """
    if epochs.empty:
        return empty_figure("No epoch has ended yet")
    figure = go.Figure()
    for column, name, color in (
        ("train_accuracy", "Training", PALETTE[4]),
        ("validation_accuracy", "Validation", PALETTE[0]),
    ):
        known = epochs.dropna(subset=[column])
        figure.add_scatter(
            x=known["epoch"] + 1, y=known[column], name=name, mode="lines+markers", line={"color": color, "width": 2}
        )
    kept = epochs[epochs["epoch"] == kept_epoch]
    if not kept.empty:
        figure.add_scatter(
            x=kept["epoch"] + 1,
            y=kept["validation_accuracy"],
            name="Kept model",
            mode="markers",
            marker={"color": PALETTE[1], "size": 14, "symbol": "star", "line": {"color": PALETTE[0], "width": 1}},
        )
    figure.update_traces(hovertemplate="%{y:.1%}")
    last = int(epochs["epoch"].max()) + 1
    least = epochs[["train_accuracy", "validation_accuracy"]].astype(float).min().min()
    figure.update_xaxes(title="Epoch", tick0=0, dtick=-(-last // 10), range=[0.5, last + 0.5])
    figure.update_yaxes(title="Accuracy", tickformat=".0%", range=[max(0.0, least - 0.05), 1.02])
    return styled(figure)
