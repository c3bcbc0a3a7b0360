"""How well the records were captured, before what they say is believed."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from backend.aws.environment import Environment
from backend.monitoring import CaptureSource, Contents
from backend.monitoring.health import Comparison
from backend.wording import count_of, enumerated
from pages.monitoring.shown import Shown, in_words
from pages.shared import reads
from pages.shared.text import as_text, visible
from pages.shared.times import format_time


def draw_health(shown: Shown, contents: Contents, comparison: Comparison | None) -> None:
    """How much there is, how new it is, how long it took to come, and what could not be read."""
    is_delivered = shown.source.folder is None  # when files came into a folder says nothing of the endpoint
    with st.grid(6 + is_delivered + (comparison is not None), min_column_width=138, gap="xsmall"):
        shown_now = f"{shown.summary.records:,}"
        st.metric("Records", shown_now, help=f"In this range; {contents.records:,} in all.", border=True)
        st.metric("Files", f"{contents.files:,}", help="All that were read of this source.", border=True)
        if contents.last_at is not None:
            age = in_words(datetime.now(UTC) - contents.last_at)
            st.metric("Newest record", age, help=f"Its age. {format_time(contents.last_at)}", border=True)
        if is_delivered and contents.delivery_lag is not None and contents.longest_lag is not None:
            st.metric(
                "Delivery lag",
                in_words(contents.delivery_lag),
                help="From a file's first inference to its delivery: the median of the newest 1,000 files. "
                f"95 % of them came within {in_words(contents.longest_lag)}.",
                border=True,
            )
        st.metric("Quarantined", f"{contents.quarantined:,}", help="Lines that could not be read.", border=True)
        st.metric(
            "Unrecognised",
            f"{contents.unrecognised:,}",
            help="Files whose keys data capture does not write; they are not read.",
            border=True,
        )
        st.metric("Undecodable", f"{contents.undecodable:,}", help="Pictures that cannot be decoded.", border=True)
        if comparison is not None:
            sampling = "-" if comparison.sampling is None else f"{comparison.sampling} %"
            st.metric("Sampling", sampling, help="Of the requests, as the endpoint's configuration says.", border=True)


def draw_comparison(comparison: Comparison) -> None:
    """What is missing of the newest executions, and what does not come from them; nothing where all is well."""
    answered = count_of(comparison.answered, "execution")
    if comparison.sampling == 0:
        st.warning("The endpoint captures nothing: its data capture is off.", icon=":material/warning:")
    elif comparison.silent:
        st.warning(
            "The workflow ran, and nothing was captured: the newest "
            f"{count_of(comparison.silent, 'answered execution')} left no record. "
            "Look at the endpoint's data capture, and at its role's permission to write to the bucket.",
            icon=":material/warning:",
        )
    elif missing := len(comparison.not_captured):
        expected = "" if comparison.sampling == 100 else " At this sampling some are expected."
        st.info(
            f"Of the newest {answered}, {missing:,} left no captured record.{expected} "
            f"{as_text(enumerated(comparison.not_captured))}.",
            icon=":material/info:",
        )
    if foreign := len(comparison.without_execution):
        st.info(
            f"Of the newest {count_of(comparison.records, 'record')} since {format_time(comparison.since)}, "
            f"{foreign:,} came from no execution: something else than the workflow called the endpoint, or the "
            "execution is gone.",
            icon=":material/info:",
        )
    if comparison.awaited:
        st.caption(f"Not due yet: the records of {count_of(comparison.awaited, 'execution')}.")


def draw_problems(environment: Environment, source: CaptureSource, contents: Contents) -> None:
    """What was not read: lines with their reasons, and files that are none of data capture."""
    if contents.quarantined:
        title = f"{count_of(contents.quarantined, 'line')} could not be read"
        with st.expander(title, icon=":material/report:", key="monitoring.quarantine"):
            _draw_quarantine(environment, source, contents)
    if contents.unrecognised:
        title = f"{count_of(contents.unrecognised, 'file')} not recognised"
        with st.expander(title, icon=":material/help:", key="monitoring.unrecognised"):
            st.caption("Their keys are not as data capture writes them: endpoint/variant/yyyy/mm/dd/hh/name.jsonl.")
            st.dataframe(pd.DataFrame({"Key": [visible(key) for key in contents.unrecognised_keys]}), hide_index=True)
            if contents.unrecognised > len(contents.unrecognised_keys):
                st.caption(f"The first {len(contents.unrecognised_keys)} of them.")


def draw_unreadable(environment: Environment, source: CaptureSource, contents: Contents) -> None:
    """What a source has in which no line could be read."""
    if contents.quarantined:
        lines, files = count_of(contents.quarantined, "line"), count_of(contents.files, "file")
        st.warning(
            f"Captured and not readable: {lines} in {files}. "
            "Each stays where it is, and is read when its file changes.",
            icon=":material/warning:",
        )
        _draw_quarantine(environment, source, contents)
    else:
        st.warning(
            f"{count_of(contents.unrecognised, 'file')} and none that data capture wrote. Is this the right prefix?",
            icon=":material/warning:",
        )
        st.dataframe(pd.DataFrame({"Key": [visible(key) for key in contents.unrecognised_keys]}), hide_index=True)


def _draw_quarantine(environment: Environment, source: CaptureSource, contents: Contents) -> None:
    reasons = contents.quarantine_reasons
    st.dataframe(
        pd.DataFrame({"Lines": list(reasons.values()), "Reason": [visible(reason) for reason in reasons]}),
        hide_index=True,
        column_config={"Lines": st.column_config.NumberColumn(width=80)},
    )
    lines = reads.quarantined_lines(environment, source)
    st.dataframe(
        pd.DataFrame(
            {
                "File": [visible(line.key) for line in lines],
                "At byte": [line.line_at for line in lines],
                "Bytes": [line.length for line in lines],
                "Why": [visible(line.reason) for line in lines],
            }
        ),
        hide_index=True,
        height="auto",
    )
    if contents.quarantined > len(lines):
        st.caption(f"The {len(lines)} lines of the newest files.")
