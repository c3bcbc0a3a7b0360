"""Visiting a page, and reading what it shows."""

from __future__ import annotations

from collections.abc import Callable

from streamlit.testing.v1 import AppTest

from backend.environment import Environment

Visit = Callable[[Environment, str], AppTest]
"""Opens a page of a project, named by its file below `pages/`."""


def texts(app: AppTest) -> str:
    """The texts of a page's own part, one a line."""
    return "\n".join(element.value for element in [*app.main.markdown, *app.main.caption])


def errors(app: AppTest) -> list[str]:
    return [element.value for element in app.error]


def metrics(app: AppTest) -> dict[str, str]:
    """The figures on a page, by their labels."""
    return {metric.label: metric.value for metric in app.metric}
