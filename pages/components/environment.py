"""The environment that the pages work in, and the errors it may give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.environment import Environment, open_environment
from backend.errors import SconesError
from backend.settings import load_settings


@st.cache_resource(show_spinner="Connecting")
def current_environment() -> Environment:
    """The environment that the settings name, opened once and shared by every session.

    Raises ConfigurationError or EmbeddedAwsError; the next run of a page tries again.
    """
    return open_environment(load_settings())


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error that is meant for a person in place of what it kept from being drawn."""
    try:
        yield
    except SconesError as error:
        st.error(str(error), icon=":material/error:")


@contextmanager
def action(done: str) -> Iterator[None]:
    """Act on a click: show the error, or say what was done and draw the page from what is there now."""
    with shown_errors():
        yield
        st.cache_data.clear()
        st.toast(done, icon=":material/check:")
        st.rerun()


def draw_place() -> None:
    """Where things run."""
    environment = current_environment()
    if environment.settings.environment == "embedded":
        st.badge("Embedded AWS", icon=":material/computer:", color="primary", help="Everything runs on this machine.")
    else:
        st.badge(f"AWS account {environment.account}", icon=":material/cloud:", color="orange")
    st.caption(f"Region {environment.region}  \nProject {environment.project}")
