"""The alarm and the lamp: how they stand, the evidence over time, and who has seen what."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import charts, drift_alarm
from backend.drift import Alarm
from backend.drift_alarm import Standing
from backend.wording import count_of
from pages.drift.baseline import origin_words
from pages.drift.shown import Shown
from pages.shared import reads
from pages.shared.environment import action
from pages.shared.live import follow
from pages.shared.text import as_text, visible
from pages.shared.times import format_time

_POINTS = 600
_WHO = "drift.who"


def follow_counting(shown: Shown) -> None:
    """Say that records are being counted, until they are."""

    def draw() -> bool:
        reads.drift_standings.clear()  # type: ignore[attr-defined]
        standing = reads.drift_standings(shown.environment, shown.source).get(shown.names)
        is_counting = standing is not None and standing.is_counting
        if is_counting:
            st.info("The records since the baseline are being counted.", icon=":material/progress_activity:")
        return is_counting

    follow(draw, is_changing=True)


def draw_alarm(shown: Shown, standing: Standing) -> None:
    """The alarm with its promise, the lamp beside it, and the evidence over time."""
    state, lamp = st.columns([2, 1])
    with state:
        _draw_state(shown, standing)
    with lamp:
        _draw_lamp(shown, standing)
    watched = standing.watched
    st.caption(
        f"**The promise:** while nothing changes, at least {watched.promise:,} records pass on average until the alarm "
        f"is raised. Counted since {format_time(watched.since)}: {count_of(standing.records, 'record')}"
        + (f", and {standing.repeated:,} that repeated one of the nine before." if standing.repeated else ".")
        + f" Compared with {origin_words(watched.usual)}."
    )
    evidence = reads.drift_evidence(shown.environment, shown.source, shown.selection(watched.since), _POINTS)
    if evidence.empty:
        return
    alarm = standing.alarm
    figure = charts.drift_evidence(
        evidence,
        watched.promise,
        change_at=drift_alarm.at(alarm.since_time) if alarm else None,
        raised_at=drift_alarm.at(alarm.time) if alarm else None,
        earlier=[seen.raised_at for seen in watched.acknowledgements],
    )
    st.plotly_chart(
        figure, key="drift.evidence", config={"displayModeBar": False}, alt="Evidence of a change over time"
    )


def draw_episodes(shown: Shown, standing: Standing) -> None:
    """Alarms that somebody acknowledged."""
    seen = [episode for episode in drift_alarm.episodes(standing) if episode.until]
    if not seen:
        return
    st.subheader("Acknowledged alarms", anchor=False)
    st.dataframe(
        pd.DataFrame(
            {
                "What": [visible(drift_alarm.feature_words(of.feature, of.class_index, shown.labels)) for of in seen],
                "Since about": [format_time(of.since) for of in seen],
                "Raised": [format_time(of.raised_at) for of in seen],
                "Acknowledged": [format_time(of.until) for of in seen],
                "By": [visible(of.who or "-") for of in seen],
            }
        ),
        hide_index=True,
    )


def _draw_state(shown: Shown, standing: Standing) -> None:
    if standing.alarm is None:
        if standing.records:
            st.success(
                f"**No change is told.** The evidence is {standing.evidence:,.0f}, and the alarm is raised when it "
                f"reaches {standing.watched.promise:,}.",
                icon=":material/check_circle:",
            )
        else:
            st.info("No record has come since the baseline.", icon=":material/hourglass_empty:")
        return
    _draw_raised(shown, standing, standing.alarm)


def _draw_raised(shown: Shown, standing: Standing, alarm: Alarm) -> None:
    what = drift_alarm.feature_words(alarm.feature, alarm.class_index, shown.labels)
    behind = count_of(alarm.record - alarm.since_record + 1, "record")
    since, raised = (format_time(drift_alarm.at(time)) for time in (alarm.since_time, alarm.time))
    st.error(
        f"**Alarm: the {as_text(what)} is not as it was.** Changed about {since}, raised {behind} later, {raised}. "
        "It stays on until it is acknowledged.",
        icon=":material/notifications_active:",
    )
    with st.form("drift.acknowledge", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.text_input("Your name", key=_WHO, max_chars=100, placeholder="Kept with it", width=220)
        if st.form_submit_button("Acknowledge", icon=":material/done_all:", key="drift.done"):
            with action("Alarm acknowledged"):
                drift_alarm.acknowledge(shown.environment, shown.source, standing, who)
    st.caption(
        "What comes while it is on is not learned as usual: acknowledged, a change that goes on is told again. "
        "To take it for usual, choose a window of it as the baseline."
    )


def _draw_lamp(shown: Shown, standing: Standing) -> None:
    difference, column = standing.difference, standing.differing
    if difference is None or column is None:
        st.info(
            "**As the baseline** from the first record on, as far as can be told.",
            icon=":material/lightbulb_2:",
        )
        return
    what = drift_alarm.feature_words(column.feature, column.class_index, shown.labels)
    way = "higher" if difference.is_higher else "lower"
    when = "from the first record on" if standing.is_from_the_first else "since the change, if not before"
    st.warning(
        f"**Not as the baseline, {when}:** the {as_text(what)} is {way}. Certain since record "
        f"{difference.record + 1:,}; at most 5 % of sources without a difference ever light this lamp. It stays lit "
        "until there is another baseline.",
        icon=":material/lightbulb:",
    )
