"""The view of this session, which its address has too: one that is sent to somebody shows them the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from pages.shared.captured.view import NAMES, View, from_query
from pages.shared.text import as_text

_LAST, _CHANGES = "monitoring.view", "monitoring.changes"
"""In the session: the view that is shown when the page is visited again, and what clicks change of it in this run."""
Changes = dict[str, Any]
_STALE: Final = "before"


def current_view() -> View:
    """The view of this address or, where that says nothing, the one that this session had last.

    What was clicked for this run is in it.
    """
    query = {name: value for name, value in st.query_params.items() if name in NAMES}
    view, notes = from_query(query) if query else (st.session_state.get(_LAST, View()), [])
    for note in notes:
        st.warning(as_text(note), icon=":material/link_off:")
    clicked: list[tuple[Changes, bool]] = st.session_state.pop(_CHANGES, [])
    for changes in [changes for changes, is_stale in clicked if not is_stale] or [changes for changes, _ in clicked]:
        view = replace(view, **changes)
    if clicked or not query:
        show(view)
    st.session_state[_LAST] = view
    return view


def change(**changes: Any) -> None:
    """Show another view from this run on: for callbacks."""
    st.session_state.setdefault(_CHANGES, []).append((changes, False))


def show(view: View) -> None:
    """Show this view from the next run on."""
    st.session_state[_LAST] = view
    query = view.as_query()
    for name in NAMES:
        if name in query:
            if st.query_params.get(name) != query[name]:
                st.query_params[name] = query[name]
        elif name in st.query_params:
            del st.query_params[name]


def follow_view(key: str, value: Any) -> None:
    """Have the widget of this key, which comes next, show what the view says."""
    if key in st.session_state and st.session_state[key] != value:
        st.session_state[f"{key}.{_STALE}"] = st.session_state[key]
    st.session_state[key] = value


def chosen(key: str, meaning: Callable[[Any], Changes]) -> None:
    """The callback of such a widget: change the view as its value means.

    A click on something else, made before the browser heard of the widget's new value, comes with the old one: beside
    another change that is none.
    """
    value = st.session_state[key]
    is_stale = f"{key}.{_STALE}" in st.session_state and st.session_state[f"{key}.{_STALE}"] == value
    st.session_state.setdefault(_CHANGES, []).append((meaning(value), is_stale))
