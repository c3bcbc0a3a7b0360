"""Labelling few images to know the accuracy of all: what to expect, the way to it, and how far it is."""

from __future__ import annotations

from typing import Final

import streamlit as st

from backend import quality
from backend.quality import Sampled
from backend.review import MOST_ITEMS, Kind, Progress
from backend.wording import count_of
from pages.accuracy.figures import in_points
from pages.accuracy.shown import Shown
from pages.shared.answered import percent
from pages.shared.captured.address import change
from pages.shared.paths import PagePath
from pages.shared.reviewing import QUEUE, review_query
from pages.shared.times import format_time

_LABELS: Final = 50
_COUNTS: Final = (20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1000)
_POINTS: Final = 0.1
_SHOWN: Final = 10


def draw_sample(shown: Shown) -> None:
    """What a number of labels would tell of this window, and the samples that were drawn of this source."""
    st.markdown(
        f"**Label {_LABELS} images, know the accuracy within about 10 points.** They are drawn by lot, more of them "
        "where the model is less sure, and each counts for the records that it stands for."
    )
    if shown.window.is_known.all():
        st.caption("All records of this window have a label already: its accuracy is known without a sample.")
    records = len(shown.window)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = st.number_input(
            "Images to label",
            1,
            min(MOST_ITEMS, records),
            min(_LABELS, records),
            key=f"accuracy.labels.{shown.key}",
            width=160,
        )
        st.page_link(
            PagePath.REVIEW,
            label="Draw and label them",
            icon=":material/rate_review:",
            query_params=review_query(Kind.SAMPLE, shown.selection, int(labels), shown.other_source),
        )
    st.caption(_expected(shown, int(labels)))
    samples = shown.samples()
    if samples:
        st.markdown("**Samples of this source**, the newest first")
    for progress in samples[:_SHOWN]:
        _draw_progress(shown, progress)


def _expected(shown: Shown, labels: int) -> str:
    """How wide the interval will be, as far as that can be told before."""
    records = len(shown.window)
    if labels == records:
        return "These are all records: their accuracy is known exactly then."
    expected = quality.expected_half_width(shown.window, labels)
    more = [count for count in _COUNTS if labels < count < records] if expected > _POINTS else []
    enough = next((count for count in more if quality.expected_half_width(shown.window, count) <= _POINTS), None)
    needed = f" For 10 points it takes about {enough:,}." if enough else ""
    return (
        f"If the model is as often right as it is sure, {count_of(labels, 'label')} of these {records:,} records tell "
        f"the accuracy within {100 * expected:.1f} points to each side, with 95 % confidence.{needed} Measured on "
        "photographs, with and without foreign ones, 50 labels told it within 9.4 to 12.7 points. Before the last "
        "label the interval is wider by some two thirds: it may be looked at after each, and you may stop at any time."
    )


def _draw_progress(shown: Shown, progress: Progress) -> None:
    queue = progress.queue
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", key=f"accuracy.sample.{queue.queue_id}"
    ):
        start, end = (format_time(time).removesuffix(" UTC") for time in (queue.start, queue.end))
        said = _said(found) if (found := quality.sampled(progress)) else "no label yet"
        size = sum(stratum.size for stratum in queue.strata)
        st.markdown(
            f"{start} to {end} UTC, {size:,} records: {progress.done:,} of {count_of(progress.total, 'label')}, {said}",
            width="stretch",
        )
        if (queue.start, queue.end) != (shown.selection.start, shown.selection.end):
            st.button(
                "Show this window",
                key=f"accuracy.show.{queue.queue_id}",
                icon=":material/date_range:",
                on_click=change,
                kwargs={"start": queue.start, "end": queue.end},
            )
        st.page_link(
            PagePath.REVIEW,
            label="Label" if progress.done < progress.total else "Look through",
            icon=":material/rate_review:",
            query_params={QUEUE: queue.queue_id},
        )


def _said(found: Sampled) -> str:
    """What a sample tells until now."""
    within = f"{in_points(found.interval)} right"
    return f"**{percent(found.interval.value)}** right ({in_points(found.interval)})" if found.has_value else within
