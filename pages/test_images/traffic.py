"""Traffic: images sent at a chosen rate, with drift that is dialled in while they are."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import jobs, traffic
from backend.aws.environment import Environment
from backend.errors import SconesError
from backend.staging import FOREIGN, Dataset
from backend.traffic import FASTEST, LONGEST_SECONDS, Load, Pattern, TrafficPlan
from backend.wording import count_of
from pages.shared import JobName, PagePath, draw_missing, follow, follow_job, is_running, reads
from pages.shared.environment import action, part
from pages.shared.text import as_text
from pages.test_images.traffic_drift import chosen_drift, draw_drift
from pages.test_images.traffic_live import draw_live
from pages.test_images.traffic_runs import draw_runs

_PATTERNS = {
    Pattern.STEADY: "Images arrive by chance, at the same rate all the time.",
    Pattern.BURSTS: "A fifth of each period has 3.4 times the rate, the rest 0.4 times.",
    Pattern.DAY_AND_NIGHT: "From 0.1 times the rate at midnight to 1.9 times at noon; a day is as long as you choose.",
}
_SECOND, _MINUTE = "a second", "a minute"


def draw_traffic(environment: Environment) -> None:
    """What to send and with which drift, what is being sent, and what was."""
    dataset = reads.describe_dataset(environment)
    if dataset is None:
        draw_missing("Traffic is drawn from the test images, and none are staged.", PagePath.DATA_STAGING)
        return
    is_sending = is_running(JobName.TRAFFIC)
    if not is_sending:
        with part():
            _draw_form(environment, dataset)
    draw_drift(environment, dataset.known_labels, has_foreign=FOREIGN in dataset.counts or dataset.has_other)
    if is_sending:
        follow(lambda: draw_live(environment), is_changing=True, seconds=2.0)
    else:
        follow_job(JobName.TRAFFIC)
        with part():
            draw_runs(environment)


def _draw_form(environment: Environment, dataset: Dataset) -> None:
    st.caption(
        "Test images go through the workflow at a chosen rate, each time drawn anew. What is sent is known by its true "
        "class to Monitoring. Drift can be dialled in before and while they are sent."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pattern = st.segmented_control(
            "Pattern",
            list(Pattern),
            default=Pattern.STEADY,
            required=True,
            key="traffic.pattern",
            width="content",
            persist_state="session",
        )
        rate = _number("Images", "rate", 0.1, FASTEST * 60, 2.0, width=130)
        unit = st.selectbox(
            "Images per",
            [_SECOND, _MINUTE],
            key="traffic.unit",
            width=120,
            label_visibility="collapsed",
            persist_state="session",
        )
        minutes = _number("Minutes", "minutes", 0.1, LONGEST_SECONDS / 60, 3.0, width=130)
        seconds = 60.0 * minutes
        period = 60.0
        if pattern is Pattern.DAY_AND_NIGHT:
            period = 60 * _number("A day, in minutes", "day", 0.1, 24 * 60.0, 3.0, width=150)
        elif pattern is Pattern.BURSTS:
            period = _number("From burst to burst, in seconds", "burst", 1.0, 3600.0, 60.0, width=220)
        seed = st.number_input(
            "Seed",
            0,
            2**31,
            0,
            key="traffic.seed",
            width=110,
            help="The same one sends the same.",
            persist_state="session",
        )
    st.caption(_PATTERNS[pattern])
    load = Load(pattern, rate / (1 if unit == _SECOND else 60), seconds, period)
    try:
        plan = TrafficPlan(load, int(seed), chosen_drift(dataset.known_labels))
    except SconesError as error:
        st.warning(as_text(str(error)), icon=":material/error:")
        return
    images = count_of(round(load.expected(0, load.seconds)), "image")
    if st.button(f"Send about {images}", key="traffic.send", icon=":material/play_arrow:", type="primary"):
        with action("Traffic started"):
            jobs.start(JobName.TRAFFIC, "Sending traffic", partial(traffic.run_traffic, environment, plan))


def _number(label: str, key: str, low: float, high: float, value: float, *, width: int) -> float:
    return st.number_input(
        label, low, high, value, 1.0, format="%g", key=f"traffic.{key}", width=width, persist_state="session"
    )
