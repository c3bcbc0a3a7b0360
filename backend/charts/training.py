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


def compare_accuracies(epochs: pd.DataFrame) -> go.Figure:
    """Validation accuracy by epoch, a line a job; columns job, epoch (from 0), validation_accuracy, is_kept.

    The epoch whose model each job keeps is marked.
    """
    known = epochs.dropna(subset=["validation_accuracy"]) if not epochs.empty else epochs
    if known.empty:
        return empty_figure("No epoch has ended yet")
    figure = go.Figure()
    for number, (job, rows) in enumerate(known.groupby("job", sort=False)):
        kept = rows["is_kept"].astype(bool)
        figure.add_scatter(
            x=rows["epoch"] + 1,
            y=rows["validation_accuracy"],
            name=str(job),
            mode="lines+markers",
            line={"color": PALETTE[number % len(PALETTE)], "width": 2},
            marker={
                "symbol": ["star" if is_kept else "circle" for is_kept in kept],
                "size": [14 if is_kept else 5 for is_kept in kept],
            },
        )
    figure.update_traces(hovertemplate="%{y:.1%}")
    figure.update_xaxes(title="Epoch", tick0=0, dtick=-(-(int(known["epoch"].max()) + 1) // 10))
    figure.update_yaxes(title="Validation accuracy (star: kept)", tickformat=".0%")
    figure.update_layout(hovermode="x unified")
    return styled(figure)
