"""Choosing where captured records are read from, and what other sources there are."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource
from pages.monitoring.view import View, change
from pages.shared import reads
from pages.shared.confirm import confirm
from pages.shared.environment import action, part
from pages.shared.text import as_text, visible

_SOURCE = "monitoring.source"
_UNFILTERED = {"endpoint": None, "variant": None, "class_index": None, "start": None, "end": None}


def choose_source(environment: Environment, view: View) -> CaptureSource:
    """The source that the view names, beside the others; the project's own where it names none that is kept."""
    own = monitoring.project_source(environment)
    sources = [own]
    with part():
        sources = reads.list_sources(environment)
    chosen = next((source for source in sources if source.url == (view.source or own.url)), None)
    if chosen is None:
        st.warning(
            as_text(f"The address names a source that was not added here: {view.source} Add it, to see what it shows."),
            icon=":material/link_off:",
        )
        chosen = own
    names = {source.url: "This project" if source.url == own.url else visible(source.name) for source in sources}
    st.session_state[_SOURCE] = chosen.url
    st.selectbox(
        "Source", list(names), format_func=lambda url: names.get(url, url), key=_SOURCE, on_change=_chosen, args=(own,)
    )
    return chosen


def manage_sources(environment: Environment, source: CaptureSource) -> None:
    """Add a source, name the classes of this one, and remove it; the project's own stays as it is."""
    with st.popover("Sources", icon=":material/folder_open:", key="monitoring.sources"):
        _add(environment)
        if source.url != monitoring.project_source(environment).url:
            st.divider()
            _name_classes(environment, source)
            if confirm(
                "Remove source",
                "What was read of it is forgotten; its files stay where they are.",
                key="monitoring.remove_source",
            ):
                with action("Source removed"):
                    monitoring.remove_source(environment, source)
                    _show(None)


def _add(environment: Environment) -> None:
    with st.form("monitoring.add_source", border=False):
        url = st.text_input(
            "Add a source",
            placeholder="s3://bucket/prefix or /folder",
            key="monitoring.source_url",
            help="Where another endpoint's capture files are: a bucket and prefix, or a folder on this machine.",
        )
        named = st.text_input(
            "Its classes, in the order of the probabilities",
            placeholder="bicycle, motorcycle",
            key="monitoring.source_labels",
            help="Without names they are numbered.",
        )
        if st.form_submit_button("Add source", icon=":material/add:", key="monitoring.add"):
            with action("Source added"):
                _show(monitoring.add_source(environment, url, _labels(named)))


def _name_classes(environment: Environment, source: CaptureSource) -> None:
    with st.form("monitoring.name_classes", border=False):
        named = st.text_input(
            "Classes of this source, in the order of the probabilities",
            ", ".join(source.labels),
            key=f"monitoring.labels.{source.cache_name}",
        )
        if st.form_submit_button("Name classes", icon=":material/label:", key="monitoring.name"):
            with action("Classes named"):
                monitoring.name_classes(environment, source, _labels(named))


def _labels(text: str) -> Sequence[str]:
    return [label.strip() for label in text.split(",")] if text.strip() else []


def _chosen(own: CaptureSource) -> None:
    url = st.session_state[_SOURCE]
    change(source=None if url == own.url else url, **_UNFILTERED)


def _show(source: CaptureSource | None) -> None:
    change(source=source.url if source else None, **_UNFILTERED)
