"""Choosing where captured records are read from, and what other sources there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from backend import monitoring
from backend.aws.environment import Environment
from backend.monitoring import CaptureSource
from pages.shared.captured.address import Changes, chosen, follow_view, show
from pages.shared.captured.view import View
from pages.shared.confirm import confirm
from pages.shared.environment import action, part
from pages.shared.text import as_text, visible

_SOURCE = "monitoring.source"


def choose_source(environment: Environment, view: View) -> CaptureSource:
    """The source that the view names, beside the others; the project's own where it names none that is kept."""
    own = monitoring.project_source(environment)
    sources = [own]
    with part():
        sources = monitoring.list_sources(environment)
    source = next((kept for kept in sources if kept.url == (view.source or own.url)), None)
    if source is None:
        st.warning(
            as_text(f"The address names a source that was not added here: {view.source} Add it, to see what it shows."),
            icon=":material/link_off:",
        )
        source = own
    names = {kept.url: "This project" if kept.url == own.url else visible(kept.name) for kept in sources}
    follow_view(_SOURCE, source.url)
    st.selectbox(
        "Source",
        list(names),
        format_func=lambda url: names.get(url, url),
        key=_SOURCE,
        on_change=chosen,
        args=(_SOURCE, lambda url: _at_first(None if url == own.url else url)),
    )
    return source


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


def _at_first(url: str | None) -> Changes:
    """Another source is seen whole: it has its own times, endpoints and classes."""
    return {"source": url, "endpoint": None, "variant": None, "class_index": None, "start": None, "end": None}


def _show(source: CaptureSource | None) -> None:
    show(replace(View(), source=source.url if source else None))
