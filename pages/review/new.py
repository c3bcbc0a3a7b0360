"""What a new queue is to be, and drawing it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from backend import monitoring, review
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource, Contents, Selection
from backend.review import MEANINGS, MOST_ITEMS, Kind, Wish
from pages.review.address import Request, open_queue
from pages.shared import reads
from pages.shared.environment import action
from pages.shared.missing import draw_missing
from pages.shared.paths import PagePath
from pages.shared.text import visible
from pages.shared.times import format_time

_ASKED, _ALL = "As asked for", "All"
_LENGTHS: Final = {"Hour": timedelta(hours=1), "Day": timedelta(days=1), "7 days": timedelta(days=7)}
_LIMIT: Final = 50


def draw_new(environment: Environment, request: Request | None, reviewer: str) -> None:
    """The kind, the range and the number of pictures, as an address asked for them at first, and the button."""
    asked = request.kind if request else None
    key = f"review.new.{request}" if request else "review.new"  # another address begins anew
    source = _choose_source(environment, request, key)
    contents = reads.capture_contents(environment, source)
    if contents is None or not contents.records:
        draw_missing("A review needs captured records, and none were read yet.", PagePath.MONITORING)
        return
    kind = st.segmented_control(
        "Which pictures",
        list(Kind),
        default=asked or Kind.SAMPLE,
        required=True,
        format_func=lambda one: one.capitalize(),
        key=f"{key}.kind",
    )
    st.caption(MEANINGS[kind])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        selection = _choose_range(contents, request, key)
        limit = st.number_input(
            "Pictures at most",
            1,
            MOST_ITEMS,
            (request.limit if request else None) or _LIMIT,
            key=f"{key}.limit",
            width=160,
        )
        two = st.toggle(
            "Second opinion",
            bool(request and request.opinions == 2),
            key=f"{key}.two",
            help="Two people are asked about each picture, neither of whom sees what the other said; where they differ "
            "a third one decides.",
        )
    threshold, labels = _of_source(environment, source)
    if kind is Kind.REJECTED and threshold is None:
        st.caption("Without a workflow there is no threshold: only answers of the class other are rejected.")
    st.caption(f"Records from {format_time(selection.start)} to {format_time(selection.end)}.")
    is_named = bool(reviewer)
    if st.button("Start", key=f"{key}.start", icon=":material/play_arrow:", type="primary", disabled=not is_named):
        wish = Wish(kind, selection, int(limit), 2 if two else 1, threshold, seed=secrets.randbits(32))
        with action("The queue is drawn"):
            queue = review.make_queue(environment, source, wish, labels, reviewer)
            open_queue(queue.queue_id)
    if not is_named:
        st.caption("Type your name above first.")


def _choose_source(environment: Environment, request: Request | None, key: str) -> CaptureSource:
    sources = {source.url: source for source in monitoring.list_sources(environment)}
    own = monitoring.project_source(environment).url
    if len(sources) == 1:
        return sources[own]
    wanted = request.source if request and request.source in sources else own
    chosen = st.selectbox(
        "Source",
        list(sources),
        index=list(sources).index(wanted),
        format_func=lambda url: "This project" if url == own else visible(sources[url].name),
        key=f"{key}.source",
        width=480,
    )
    return sources[chosen]


def _choose_range(contents: Contents, request: Request | None, key: str) -> Selection:
    """Ranges end with the newest record, but for one that was asked for."""
    is_asked = request is not None and request.start is not None
    choice = st.selectbox(
        "Time range", [*([_ASKED] if is_asked else []), _ALL, *_LENGTHS], key=f"{key}.range", width=180
    )
    endpoint, variant = (request.endpoint, request.variant) if request else (None, None)
    if choice == _ASKED and request and request.start and request.end:
        return Selection(request.start, request.end, endpoint, variant)
    first, last = _times(contents)
    start = first if choice == _ALL else last - _LENGTHS[choice]
    return Selection(start, last, endpoint, variant)


def _times(contents: Contents) -> tuple[datetime, datetime]:
    """From the first record to just behind the last one."""
    first, last = contents.first_at, contents.last_at
    assert first is not None  # noqa: S101  there are records
    assert last is not None  # noqa: S101
    return first, last + timedelta(microseconds=1)


def _of_source(environment: Environment, source: CaptureSource) -> tuple[float | None, Sequence[str]]:
    """The threshold that records of a source are judged by, and what its classes are called."""
    if source.url != monitoring.project_source(environment).url:
        return None, source.labels
    if workflow := reads.describe_workflow(environment):
        return workflow.threshold, workflow.labels
    dataset = reads.describe_dataset(environment)
    return None, dataset.labels if dataset else ()
