"""The environment that the pages work in, and the errors that a part of a page may end in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from backend.aws.environment import Environment, open_environment
from backend.errors import SconesError
from backend.settings import load_settings
from pages.shared.text import as_text

_log = logging.getLogger(__name__)


@st.cache_resource(show_spinner="Connecting")
def current_environment() -> Environment:
    """The environment that the settings name, opened once and shared by every session.

    Raises ConfigurationError or EmbeddedAwsUnavailable; the next run of a page tries again.
    """
    return open_environment(load_settings())


@contextmanager
def part() -> Iterator[None]:
    """A part of a page: whatever keeps it from being drawn is shown in its place, and the rest of the page stays."""
    try:
        yield
    except SconesError as error:
        st.error(as_text(str(error)), icon=":material/error:")
    except Exception as error:  # a bug of ours: said here, with the details in the log
        _log.exception("a part of a page could not be drawn")
        st.error(
            f"This part of the page could not be drawn: {type(error).__name__}. The app's log has the details.",
            icon=":material/bug_report:",
        )


@contextmanager
def action(done: str) -> Iterator[None]:
    """Act on a click: show the error, or say what was done and draw the page from what is there now."""
    with part():
        yield
        st.cache_data.clear()
        st.toast(done, icon=":material/check:")
        st.rerun()


def draw_environment() -> None:
    """Where things run."""
    environment = current_environment()
    if environment.settings.environment == "embedded":
        st.badge("Embedded AWS", icon=":material/computer:", color="primary", help="Everything runs on this machine.")
    else:
        st.badge(f"AWS account {environment.account}", icon=":material/cloud:", color="orange")
    st.caption(f"Region {environment.region}  \nProject {environment.project}")
