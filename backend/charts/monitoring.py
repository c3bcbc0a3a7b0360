"""Figures of captured inferences.

A point's customdata says what a click on it means: "record" and its id, "step" and the seconds from 1970 to where it
begins, "bin" and where it begins and ends. Behind that stands the class's index where only one class is meant.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from backend.charts.style import CLEAR, NEUTRAL_COLOR, add_threshold, class_color, class_label, empty_figure, styled

_NOTHING: Final = "No captured inference in this range"
_LEFT, _RIGHT = 52, 105  # pixels beside charts over time, so that they stand one below the other; for names of lines
_WIDE, _NARROW = "rgba(122,139,153,0.22)", "rgba(122,139,153,0.45)"
_WHAT_IF_COLOR: Final = "#CC79A7"
_SECOND: Final = pd.Timedelta(seconds=1)
_BINS: Final = 100  # of the histogram
_CLOSE: Final = 0.04  # lines whose names would cover each other
_AXIS: Final = {"tickformat": ".2f", "title": "Confidence"}
_STEP: Final = "%{customdata[2]}<br>"


def confidence_points(
    frame: pd.DataFrame,
    threshold: float | None,
    labels: Sequence[str],
    window: tuple[datetime, datetime],
    what_if: float | None = None,
    other: int | None = None,
) -> go.Figure:
    """Captured confidences as points: discs above the threshold, open diamonds below it; all discs without one.

    Those of the class `other` pass at no threshold, and are open wherever there is one.
    Columns record_id, time, confidence, class_index and inference_id. Points of one time are spread over the second
    from it on, so that none hides another; customdata has the true time and the inference id too.
    """
    if frame.empty:
        return empty_figure(_NOTHING)
    figure = go.Figure()
    points = frame.assign(drawn_at=_spread(frame["time"]))
    hover = "%{y:.3f} at %{customdata[2]}<br>Inference %{customdata[3]}"
    _add_points(figure, points, threshold, labels, other, size=8, hovertemplate=hover)
    return _over_time(figure, threshold, what_if, window, _lowest(frame["confidence"], threshold, what_if))


def confidence_bands(
    steps: pd.DataFrame,
    lowest: pd.DataFrame,
    step: timedelta,
    threshold: float | None,
    labels: Sequence[str],
    window: tuple[datetime, datetime],
    what_if: float | None = None,
    other: int | None = None,
) -> go.Figure:
    """How confidences were spread in each step of time, with the least sure record of each as a point.

    `steps` has columns time, records and p5, p25, p50, p75, p95; `lowest` has those of `confidence_points`, without
    inference_id.
    """
    if steps.empty:
        return empty_figure(_NOTHING)
    figure = go.Figure()
    for low, high, name, color in (("p5", "p95", "90 % of records", _WIDE), ("p25", "p75", "Half of them", _NARROW)):
        figure.add_bar(
            **_bars(steps, step, steps[high] - steps[low], base=steps[low]),
            name=name,
            marker={"color": color, "line": {"width": 0}},
            hovertemplate=f"{_STEP}%{{base:.3f}} to %{{y:.3f}}",
        )
    figure.add_scatter(**_line(steps, step, steps["p50"]), name="Median", hovertemplate="Median %{y:.3f}")
    hover = "Least sure of its step: %{y:.3f} at %{customdata[2]}"
    _add_points(figure, lowest.assign(drawn_at=lowest["time"]), threshold, labels, other, size=6, hovertemplate=hover)
    figure.update_layout(barmode="overlay")
    least = _lowest(pd.concat([lowest["confidence"], steps["p5"]]), threshold, what_if)
    return _over_time(figure, threshold, what_if, window, least)


def traffic(
    steps: pd.DataFrame, step: timedelta, window: tuple[datetime, datetime], *, has_lines: bool = False
) -> go.Figure:
    """Records in each step, low and wide: a range can be drawn over it. Columns time and records.

    It stands below the confidences over time, whose lines may have names beside them.
    """
    figure = go.Figure()
    if not steps.empty:
        figure.add_bar(
            **_bars(steps, step, steps["records"]),
            marker={"color": NEUTRAL_COLOR, "line": {"width": 0}},
            hovertemplate=f"{_STEP}%{{y:,}} records<extra></extra>",
        )
    figure.update_layout(dragmode="select", selectdirection="h", showlegend=False)
    figure.update_xaxes(range=_naive(window), fixedrange=True, showticklabels=False)
    figure.update_yaxes(title="Records", fixedrange=True, nticks=3, rangemode="tozero", automargin=False)
    styled(figure, height=92)
    figure.update_layout(margin={"l": _LEFT, "r": _RIGHT if has_lines else 10, "t": 4, "b": 6})
    return figure


def pass_rate(
    steps: pd.DataFrame,
    step: timedelta,
    window: tuple[datetime, datetime],
    what_if: pd.DataFrame | None = None,
) -> go.Figure:
    """The share at or above a threshold in each step, with its 95 % interval; dotted, what it would be at another.

    Columns time, records, pass_rate, pass_low and pass_high, from 0 to 1.
    """
    if steps.empty:
        return empty_figure(_NOTHING)
    figure = go.Figure()
    figure.add_bar(
        **_bars(steps, step, steps["pass_high"] - steps["pass_low"], base=steps["pass_low"]),
        name="95 %",
        marker={"color": _WIDE, "line": {"width": 0}},
        hovertemplate=f"{_STEP}%{{base:.1%}} to %{{y:.1%}}",
    )
    figure.add_scatter(**_line(steps, step, steps["pass_rate"]), name="Pass rate", hovertemplate="%{y:.1%}")
    if what_if is not None:
        line = _line(what_if, step, what_if["pass_rate"]) | {"line": {"color": _WHAT_IF_COLOR, "dash": "dot"}}
        figure.add_scatter(**line, name="What if", hovertemplate="What if: %{y:.1%}")
    _style_steps(figure, window)
    figure.update_yaxes(title="Pass rate", tickformat=".0%", range=[0, 1.02], fixedrange=True)
    return figure


def class_mix(
    shares: pd.DataFrame, step: timedelta, labels: Sequence[str], window: tuple[datetime, datetime]
) -> go.Figure:
    """The share of each predicted class in each step: column time, then one for each class index.

    customdata has the step's time and the class index too.
    """
    if shares.empty:
        return empty_figure(_NOTHING)
    figure = go.Figure()
    for index in map(int, shares.columns[1:]):
        bars = _bars(shares, step, shares[index])
        bars["customdata"] = np.column_stack([bars["customdata"], np.full(len(shares), index, object)])
        figure.add_bar(
            **bars,
            name=_plain(class_label(labels, index)),
            marker={"color": class_color(index), "line": {"width": 0}},
            hovertemplate=f"{_STEP}%{{y:.1%}}",
        )
    figure.update_layout(barmode="stack", showlegend=True)
    _style_steps(figure, window)
    figure.update_yaxes(title="Predicted class", tickformat=".0%", range=[0, 1], fixedrange=True)
    return figure


def confidence_histogram(bins: pd.DataFrame, threshold: float | None, other: int | None = None) -> go.Figure:
    """How many records had which confidence, in steps of 0.01; filled above the threshold, open below it.

    Columns low, where a bin begins, records and passes. Where there is a class `other`, column unknown counts its
    records, which are not among the rest: they pass at no threshold, and have bars of their own in that class's color.
    """
    kinds = _kinds(bins, threshold, other)
    if not any(len(bars) for *_, bars in kinds):
        return empty_figure(_NOTHING)
    figure = go.Figure()
    for name, color, of_class, bars in kinds:
        figure.add_bar(
            x=bars["bar"] / _BINS,
            y=bars["records"],
            width=1 / _BINS,
            offset=0,
            name=name,
            customdata=[("bin", low, high, *of_class) for low, high in zip(bars["low"], bars["high"], strict=True)],
            marker={"color": color, "line": {"color": NEUTRAL_COLOR, "width": 1}},
            hovertemplate="%{y:,} records from %{customdata[1]} to %{customdata[2]}<extra></extra>",
        )
    add_threshold(figure, threshold, horizontal=False)
    lows = pd.concat([bars["low"] for *_, bars in kinds])
    least = min(float(lows.min()), threshold if threshold is not None else 1.0)
    is_left = threshold is not None and threshold < (least + 1) / 2
    figure.update_annotations(yanchor="bottom", xanchor="left" if is_left else "right")  # on no bar, and on no axis
    figure.update_xaxes(range=[max(0.0, least - 0.02), 1.005], fixedrange=True, **_AXIS)
    figure.update_yaxes(title="Records", fixedrange=True)
    figure.update_layout(barmode="stack", dragmode="pan")
    return _kept(styled(figure, height=300))


def _kinds(
    bins: pd.DataFrame, threshold: float | None, other: int | None
) -> list[tuple[str, str, tuple[int, ...], pd.DataFrame]]:
    """What the histogram tells apart: a name, a color, the one class that is meant, and its bars with a record."""
    bars = bins.assign(bar=(bins["low"] * _BINS + 1e-9).astype(int), high=bins["low"].shift(-1, fill_value=1.0))
    below, above = _added_up(bars[~bars["passes"]]), _added_up(bars[bars["passes"]])
    kinds: list[tuple[str, str, tuple[int, ...], pd.DataFrame]] = [("Records", NEUTRAL_COLOR, (), above)]
    if threshold is not None:
        kinds = [
            ("Below the threshold", CLEAR, (), below),
            ("At or above the threshold", NEUTRAL_COLOR, (), above),
        ]
    if other is not None:
        of_other = _added_up(bars.assign(records=bars["unknown"]))
        kinds.append(("Not a known class", class_color(other), (other,), of_other))
    return kinds


def _added_up(bins: pd.DataFrame) -> pd.DataFrame:
    bars = bins.groupby("bar", as_index=False).agg({"low": "min", "high": "max", "records": "sum"})
    return bars[bars["records"] > 0]


def as_html(figure: go.Figure) -> str:
    """The figure as a page that needs nothing else, also without a network."""
    return str(figure.to_html(include_plotlyjs=True))


def _add_points(
    figure: go.Figure,
    records: pd.DataFrame,
    threshold: float | None,
    labels: Sequence[str],
    other: int | None,
    *,
    size: int,
    hovertemplate: str,
) -> None:
    """Records as points of their class's color, each at its `drawn_at`."""
    for group, points in records.groupby("class_index"):
        index = int(str(group))
        passes = [threshold is None or (sure >= threshold and index != other) for sure in points["confidence"]]
        figure.add_scatter(
            x=points["drawn_at"],
            y=points["confidence"],
            name=_plain(class_label(labels, index)),
            mode="markers",
            cliponaxis=False,
            customdata=_records(points),
            marker=_marker(passes, class_color(index), size),
            hovertemplate=hovertemplate,
        )


def _over_time(
    figure: go.Figure, threshold: float | None, what_if: float | None, window: tuple[datetime, datetime], least: float
) -> go.Figure:
    add_threshold(figure, threshold, horizontal=True)
    if what_if is not None and what_if != threshold:
        figure.add_hline(
            what_if,
            line={"color": _WHAT_IF_COLOR, "dash": "dot", "width": 1.5},
            annotation_text=f"what if {what_if:g}",
            annotation_font_color=_WHAT_IF_COLOR,
            annotation_position="right",
            annotation_yshift=-14 if threshold is not None and 0 < threshold - what_if < _CLOSE else 0,
        )
    figure.update_xaxes(range=_naive(window), title="Time (UTC)")
    figure.update_yaxes(range=[least, 1.02], fixedrange=True, automargin=False, **_AXIS)
    figure.update_layout(hovermode="closest", dragmode="pan", selectdirection="h", showlegend=True)
    has_lines = threshold is not None or what_if is not None
    styled(figure, height=360, right=_RIGHT if has_lines else 10).update_layout(margin={"l": _LEFT})
    return _kept(figure)


def _style_steps(figure: go.Figure, window: tuple[datetime, datetime]) -> None:
    figure.update_xaxes(range=_naive(window), fixedrange=True, nticks=4, tickangle=0)
    figure.update_layout(hovermode="closest", dragmode="pan", bargap=0)
    _kept(styled(figure, height=260))


def _kept(figure: go.Figure) -> go.Figure:
    """What a reader did to it stays when it is drawn anew; what is not clicked is not dimmed much."""
    figure.update_layout(uirevision="kept")
    figure.update_traces(unselected={"marker": {"opacity": 0.75}}, selector={"type": "bar"})
    figure.update_traces(unselected={"marker": {"opacity": 0.75}}, selector={"type": "scatter", "mode": "markers"})
    return figure


def _bars(steps: pd.DataFrame, step: timedelta, heights: pd.Series, base: pd.Series | None = None) -> dict[str, Any]:
    """A bar as wide as its step for each row; its customdata says when that begins."""
    seconds = (steps["time"] - pd.Timestamp(0, tz="UTC")) // _SECOND
    times = steps["time"].dt.strftime("%Y-%m-%d %H:%M:%S")
    return {
        "x": steps["time"],
        "y": heights,
        "base": base,
        "offset": 0,
        "width": step / timedelta(milliseconds=1),
        "customdata": pd.DataFrame({"kind": "step", "seconds": seconds, "time": times}).to_numpy(object),
    }


def _line(steps: pd.DataFrame, step: timedelta, values: pd.Series) -> dict[str, Any]:
    """A line through the middle of each step, broken where a step has no record."""
    line = pd.DataFrame({"x": steps["time"] + pd.Timedelta(step) / 2, "y": values})
    behind_gap = line["x"].diff() > 1.5 * pd.Timedelta(step)
    gaps = pd.DataFrame({"x": line["x"][behind_gap] - pd.Timedelta(step), "y": np.nan})
    line = pd.concat([line, gaps]).sort_values("x")
    marks = {"mode": "lines+markers", "marker": {"size": 3}, "line": {"color": NEUTRAL_COLOR, "width": 1.5}}
    return {"x": line["x"], "y": line["y"], "connectgaps": False, **marks}


def _records(points: pd.DataFrame) -> Any:
    times = points["time"].dt.strftime("%Y-%m-%d %H:%M:%S.%f").str.removesuffix(".000000")
    columns = {"kind": "record", "record_id": points["record_id"], "time": times}
    if "inference_id" in points:
        columns["inference_id"] = points["inference_id"].fillna("none").map(_plain)
    return pd.DataFrame(columns).to_numpy(object)


def _plain(text: str) -> str:
    """As it stands: Plotly acts on some of HTML."""
    return html.escape(text, quote=False)


def _marker(passes: Sequence[bool], color: str, size: int) -> dict[str, Any]:
    return {
        "color": color,
        "size": size,
        "symbol": ["circle" if passed else "diamond-open" for passed in passes],
        "line": {"width": 1.5, "color": color},
    }


def _spread(times: pd.Series) -> pd.Series:
    """Each time, those that are alike put side by side up to the end of their second."""
    alike = times.groupby(times)
    room = times.dt.floor("s") + _SECOND - times
    spread: pd.Series[Any] = times + room * (alike.cumcount() / alike.transform("size"))
    return spread


def _lowest(confidences: pd.Series, *lines: float | None) -> float:
    """Where the axis of confidences begins: a little below the least that is drawn."""
    least = min([float(confidences.min()), *(line for line in lines if line is not None)])
    return max(0.0, least - 0.05)


def _naive(window: tuple[datetime, datetime]) -> list[str]:
    """Plotly knows no zones: as the times are written."""
    return [f"{time:%Y-%m-%d %H:%M:%S}" for time in window]
