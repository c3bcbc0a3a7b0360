"""Choosing what records are compared with, and how many may pass between false alarms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import streamlit as st

from backend import drift_alarm, jobs
from backend.drift import DEFAULT_PROMISE
from backend.drift_alarm import MOST_PROMISED, SMALLEST_PROMISE, Evaluated, Standing
from backend.monitoring import Contents
from backend.monitoring.watched import Usual
from backend.progress import Progress
from backend.wording import count_of
from pages.drift.shown import Shown
from pages.shared import reads
from pages.shared.environment import action, part
from pages.shared.live import JobName, is_running
from pages.shared.paths import PagePath
from pages.shared.text import as_text
from pages.shared.times import format_time

_EVALUATION: Final = "Evaluation of the deployed model"
_WINDOW: Final = "A window of captured records"
_DONE: Final = "Baseline and promise are in use."


def origin_words(usual: Usual) -> str:
    """What a baseline is, for people."""
    size = count_of(usual.baseline.records, "image" if usual.job else "record")
    if usual.job:
        return f"the evaluation of {as_text(usual.job)} on its test set ({size} of known classes)"
    return f"the window from {format_time(usual.start)} to {format_time(usual.end)} ({size})"


def draw_choice(shown: Shown, contents: Contents) -> None:
    """The forms for another baseline and another promise; open where there is no baseline yet."""
    standing = shown.standing
    if standing is None:
        st.info(
            "**No baseline is chosen for this variant**, so no change of it is told. Choose what its records are to be "
            "compared with.",
            icon=":material/flag:",
        )
    else:
        with part():
            _warn_of_another_model(shown, standing)
    title = "Baseline and promise" if standing else "Choose a baseline"
    key = "drift.change" if standing else "drift.choose"
    busy = is_running(JobName.DRIFT)
    with st.expander(title, icon=":material/tune:", expanded=standing is None, key=key):
        if standing is not None:
            _change_promise(shown, standing.watched.promise, busy=busy)
            st.divider()
        with part():
            _choose_baseline(shown, contents, busy=busy)


def _warn_of_another_model(shown: Shown, standing: Standing) -> None:
    """A baseline is of one model: another one's answers are others, whatever it is asked."""
    found = reads.evaluated(shown.environment, shown.stream.variant) if shown.is_own else None
    usual = standing.watched.usual
    if found is None or found.job == usual.job:
        return
    if usual.job or (usual.end is not None and usual.end < found.since):
        st.warning(
            f"This variant has served the model of {as_text(found.job)} since {format_time(found.since)}, and the "
            "baseline is of another one's answers. Choose a new baseline.",
            icon=":material/swap_horiz:",
        )


def _choose_baseline(shown: Shown, contents: Contents, *, busy: bool) -> None:
    found = reads.evaluated(shown.environment, shown.stream.variant) if shown.is_own else None
    has_evaluation = found is not None and found.evaluation is not None
    kind = st.radio(
        "Baseline", [_EVALUATION, _WINDOW], index=0 if has_evaluation else 1, key="drift.kind", horizontal=True
    )
    if kind == _EVALUATION:
        _choose_evaluation(shown, found, busy=busy)
    else:
        _choose_window(shown, contents, busy=busy)


def _choose_evaluation(shown: Shown, found: Evaluated | None, *, busy: bool) -> None:
    if found is None:
        st.markdown("The model behind this variant is not known here. Choose a window of captured records.")
        return
    if found.evaluation is None:
        st.markdown(f"The model of {as_text(found.job)} was not evaluated yet.")
        st.page_link(PagePath.EVALUATION, icon=":material/arrow_forward:")
        return
    st.caption(
        f"The answers of {as_text(found.job)} to {count_of(len(found.evaluation.known.truth), 'test image')} of known "
        f"classes, each of which is measured as captured pictures are. Records since {format_time(found.since)} count, "
        "from when the variant has served this model."
    )
    promise = _promise_input("drift.promise.evaluation", DEFAULT_PROMISE)
    if st.button("Use the evaluation", type="primary", icon=":material/flag:", key="drift.evaluation", disabled=busy):
        _start(
            "Measuring the baseline",
            partial(drift_alarm.choose_evaluation, shown.environment, shown.source, shown.names, promise),
        )


def _choose_window(shown: Shown, contents: Contents, *, busy: bool) -> None:
    first, last = contents.first_at or datetime.now(UTC), contents.last_at or datetime.now(UTC)
    with st.form("drift.window", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            start = st.datetime_input("From, UTC", _shown(first), step=60, key="drift.from", width=220)
            end = st.datetime_input("To, UTC", _shown(last + timedelta(minutes=1)), step=60, key="drift.to", width=220)
            promise = _promise_input("drift.promise.window", DEFAULT_PROMISE)
        st.caption(
            "At least 50 records in which nothing was amiss; some hundreds make smaller changes visible, and whole "
            "days take day and night in. Records behind the window count."
        )
        if st.form_submit_button("Use this window", type="primary", icon=":material/flag:", key="drift.use_window"):
            selection = shown.selection(start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
            _start(
                "Measuring the baseline",
                partial(drift_alarm.choose_window, shown.environment, shown.source, selection, promise, shown.labels),
                busy=busy,
            )


def _change_promise(shown: Shown, promise: int, *, busy: bool) -> None:
    with st.form("drift.promise", border=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = _promise_input("drift.promise.other", promise)
            is_asked = st.form_submit_button("Start anew with this promise", key="drift.change_promise")
        st.caption(
            "The fewer false alarms, the later a true one. Another promise starts anew: all records since the baseline "
            "are counted again, and what was acknowledged stays so. Another baseline forgets that."
        )
        if is_asked:
            _start(
                "Counting records anew",
                partial(drift_alarm.change_promise, shown.environment, shown.source, shown.names, chosen),
                busy=busy,
            )


def _promise_input(key: str, value: int) -> int:
    return int(
        st.number_input(
            "Records between false alarms, on average at least",
            SMALLEST_PROMISE,
            MOST_PROMISED,
            value,
            step=1_000,
            key=key,
            width=320,
        )
    )


def _start(title: str, work: jobs.Work, *, busy: bool = False) -> None:
    def done(progress: Progress) -> None:
        work(progress)
        progress(1.0, _DONE)

    with action("Started"):
        if not busy:
            jobs.start(JobName.DRIFT, title, done)


def _shown(time: datetime) -> datetime:
    """The widget knows no zones."""
    return time.astimezone(UTC).replace(tzinfo=None, second=0, microsecond=0)
