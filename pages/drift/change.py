"""What changed: the share of each feature in the evidence, the values and the pictures before and after."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from backend import charts, drift_alarm, monitoring
from backend.drift import Feature
from backend.drift.features import Column
from backend.drift_alarm import Change, Standing
from backend.monitoring.drifting import most_unusual
from backend.review import Kind
from pages.drift.baseline import origin_words
from pages.drift.shown import Shown
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.paths import PagePath
from pages.shared.reviewing import review_query
from pages.shared.text import visible
from pages.shared.times import format_time

_PICTURES: Final = 12
_WIDTH: Final = 88
_BY_LOT, _UNUSUAL = "By lot", "Most unusual"
_UNITS: Final = {
    Feature.CONFIDENCE: "Confidence",
    Feature.BRIGHTNESS: "Brightness, mean of luma from 0 to 1",
    Feature.CONTRAST: "Contrast, standard deviation of luma",
    Feature.SHARPNESS: "Sharpness, logarithm of the Laplacian's variance",
    Feature.OTHER: "Probability of other",
}


def draw_change(shown: Shown, standing: Standing) -> None:
    """Of the alarm that is on, or else of what the lamp tells of; nothing without either."""
    change = drift_alarm.change_of(shown.environment, shown.source, standing)
    if change is None or not len(change.after):
        return
    st.subheader("What changed", anchor=False)
    column = _choose_column(shown, standing)
    with st.grid(2 if standing.alarm else 1, min_column_width=320):
        if standing.alarm is not None:
            with st.container():
                _draw_shares(standing.alarm.shares)
        with st.container():
            _draw_values(shown, standing, change, column)
    with part():
        _draw_pictures(shown, standing, change, column)
    query = review_query(Kind.DRIFT, change.pictures_after, 50, None if shown.is_own else shown.source.url)
    st.page_link(
        PagePath.REVIEW, label="Label pictures since the change", icon=":material/rate_review:", query_params=query
    )


def _choose_column(shown: Shown, standing: Standing) -> Column:
    """A feature; at first that which has most of the evidence."""
    alarm = standing.alarm
    moved = Column(alarm.feature, alarm.class_index) if alarm else standing.differing
    columns = list(standing.columns)
    return st.selectbox(
        "Feature",
        columns,
        index=columns.index(moved) if moved in columns else 0,
        format_func=lambda of: visible(
            drift_alarm.feature_words(of.feature, of.class_index, shown.labels)
        ).capitalize(),
        key=f"drift.feature.{alarm.time if alarm else 'lamp'}",
        width=260,
    )


def _draw_shares(shares: dict[Feature, float]) -> None:
    st.markdown("**Which feature moved:** its share of the evidence")
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    figure = charts.drift_bars([of.value for of, _ in ordered], [share for _, share in ordered], None, ["Evidence"])
    st.plotly_chart(figure, key="drift.shares", config={"displayModeBar": False}, alt="Evidence by feature")


def _draw_values(shown: Shown, standing: Standing, change: Change, column: Column) -> None:
    usual = standing.watched.usual
    after = drift_alarm.values_of(change.after, column)
    if column.feature is Feature.CLASS and column.class_index is not None:
        before = _share_before(standing, change, column.class_index)
        name = drift_alarm.feature_words(column.feature, column.class_index, shown.labels)
        figure = charts.drift_bars([name], [before], [float(after.mean())], ["Before", "After"])
    else:
        values = np.array(usual.quantiles.get(column.feature, []))
        before_values = values if change.before is None else drift_alarm.values_of(change.before, column)
        if not len(before_values) or not len(after):
            st.caption("Too few records have this feature.")
            return
        figure = charts.drift_distribution(before_values, after, _UNITS[column.feature])
    st.markdown("**Before and after**")
    st.plotly_chart(figure, key="drift.values", config={"displayModeBar": False}, alt="A feature before and after")
    before_is = "the baseline" if change.before is None else f"the {len(change.before):,} records before the change"
    st.caption(f"Before: {before_is}. After: the first {len(change.after):,} since {format_time(change.at)}.")


def _share_before(standing: Standing, change: Change, class_index: int) -> float:
    if change.before is not None:
        return float((change.before.class_index == class_index).mean())
    by_class = standing.watched.usual.by_class
    return by_class[class_index] / sum(by_class) if class_index < len(by_class) else 0.0


def _draw_pictures(shown: Shown, standing: Standing, change: Change, column: Column) -> None:
    which = st.segmented_control(
        "Pictures", [_BY_LOT, _UNUSUAL], default=_BY_LOT, required=True, key="drift.pictures", persist_state="session"
    )
    is_high = _is_higher(standing, change, column)
    with st.grid(2, min_column_width=300):
        with st.container(key="drift.before"):
            st.markdown("**Pictures before**")
            _draw_before(shown, standing, change)
        with st.container(key="drift.after"):
            st.markdown("**Pictures after**" + (_how(which, is_high=is_high)))
            if which == _UNUSUAL:
                frame = most_unusual(
                    shown.environment,
                    shown.source,
                    change.pictures_after,
                    column,
                    standing.watched.other,
                    _PICTURES,
                    high=is_high,
                )
            else:
                frame = reads.sampled_records(shown.environment, shown.source, change.pictures_after, _PICTURES)
            _draw_captured(shown, frame, "after")


def _how(which: str | None, *, is_high: bool) -> str:
    return f", those with the {'most' if is_high else 'least'} of the feature" if which == _UNUSUAL else ""


def _is_higher(standing: Standing, change: Change, column: Column) -> bool:
    """Whether the feature has become more; of `other`, more is always what is looked for."""
    after = drift_alarm.values_of(change.after, column)
    if column.feature is Feature.OTHER or not len(after):
        return True
    if column.feature is Feature.CLASS and column.class_index is not None:
        return float(after.mean()) >= _share_before(standing, change, column.class_index)
    usual = np.array(standing.watched.usual.quantiles.get(column.feature, [0.0]))
    before = usual if change.before is None else drift_alarm.values_of(change.before, column)
    return bool(np.median(after) >= np.median(before))


def _draw_before(shown: Shown, standing: Standing, change: Change) -> None:
    if change.pictures_before is not None:
        frame = monitoring.sample(shown.environment, shown.source, change.pictures_before, _PICTURES)
        _draw_captured(shown, frame, "before")
        return
    usual = standing.watched.usual
    evaluation = reads.read_evaluation(shown.environment, usual.job) if usual.job else None
    keys = [image.key for image in evaluation.known.images if image.key] if evaluation else []
    if not keys:
        st.caption("No picture of it is there any more.")
        return
    drawn = np.random.default_rng(0).choice(len(keys), min(_PICTURES, len(keys)), replace=False)
    images = reads.read_images(shown.environment, tuple(keys[place] for place in sorted(drawn)))
    draw_images(images, [""] * len(images), width=_WIDTH, key="drift-before")
    st.caption(f"Of {origin_words(usual)}.")


def _draw_captured(shown: Shown, frame: pd.DataFrame, key: str) -> None:
    record_ids = tuple(int(record_id) for record_id in frame["record_id"])
    pictures = reads.captured_images(shown.environment, shown.source, record_ids, _WIDTH)
    found = [
        (pictures[record_id], confidence)
        for record_id, confidence in zip(record_ids, frame["confidence"], strict=True)
        if record_id in pictures
    ]
    if not found:
        st.caption("No picture was captured with these records.")
        return
    images, confidences = zip(*found, strict=True)
    draw_images(images, [f"{confidence:.3f}" for confidence in confidences], width=_WIDTH, key=f"drift-{key}")
