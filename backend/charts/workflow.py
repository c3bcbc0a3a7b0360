"""Figures of one answer of the model."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from backend.charts.style import add_threshold, class_color, class_label, styled


def probabilities_bar(probabilities: Sequence[float], labels: Sequence[str], threshold: float | None) -> go.Figure:
    """One bar for each class, the most probable on top."""
    order = sorted(range(len(probabilities)), key=lambda index: probabilities[index])
    figure = go.Figure(
        go.Bar(
            x=[probabilities[index] for index in order],
            y=[class_label(labels, index) for index in order],
            orientation="h",
            marker={"color": [class_color(index) for index in order]},
            text=[f"{probabilities[index]:.3f}" for index in order],
            textposition="auto",
            textangle=0,
            hovertemplate="%{y}: %{x:.4f}<extra></extra>",
        )
    )
    add_threshold(figure, threshold, horizontal=False)
    figure.update_annotations(yanchor="bottom")  # above the bars: on one, the text could not be read
    figure.update_xaxes(title="Probability", range=[0, 1.02], tickformat=".1f")
    return styled(figure, height=110 + 45 * len(probabilities))
