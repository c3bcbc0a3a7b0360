"""Visiting a page, reading what it shows, and acting on it."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from streamlit.testing.v1 import AppTest

from backend import jobs
from backend.aws.environment import Environment
from backend.progress import Progress
from pages.shared import JobName

JOB_SECONDS = 60.0


class Visit(Protocol):
    """Opens a page of a project, named by its file below `pages/`, with a query in its address."""

    def __call__(self, project: Environment, page: str, **query: str) -> AppTest: ...


class Work:
    """Work that says how far it is and then waits until the test lets it end."""

    def __init__(self) -> None:
        self.reported = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, progress: Progress) -> None:
        progress(0.4, "Two of five.")
        self.reported.set()
        self.may_end.wait(JOB_SECONDS)
        progress(0.8, "Four of five.")

    def start(self, name: JobName, title: str) -> None:
        jobs.start(name, title, self)
        assert self.reported.wait(JOB_SECONDS)


def texts(app: AppTest) -> str:
    """The texts of a page's own part, one a line."""
    return "\n".join(element.value for element in [*app.main.markdown, *app.main.caption])


def errors(app: AppTest) -> list[str]:
    return [element.value for element in app.error]


def metrics(app: AppTest) -> dict[str, str]:
    """The figures on a page, by their labels."""
    return {metric.label: metric.value for metric in app.metric}


def links(app: AppTest) -> list[str]:
    """The pages that a page leads to."""
    return [link.page for link in app.main.page_link]


def table(app: AppTest, column: str) -> dict[str, list[Any]]:
    """The table on a page that has this column: its values by column."""
    [found] = (frame.value for frame in app.dataframe if column in frame.value.columns)
    return {str(name): list(values) for name, values in found.items()}


def select_rows(app: AppTest, column: str, *rows: int) -> None:
    """Select rows of the table that has this column, as clicks do, and run the page."""
    [key] = (frame.key for frame in app.dataframe if column in frame.value.columns)
    assert key is not None
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    app.run()
    assert not app.exception


def click(app: AppTest, label: str) -> None:
    """Click the button of this label and run the page."""
    [button] = (button for button in app.button if button.label == label)
    assert not button.disabled
    button.click().run()
    assert not app.exception


def finish(app: AppTest, name: JobName) -> jobs.Job:
    """Wait until a background job has ended, and run the page, which nothing does by itself here."""
    job = jobs.wait(name, JOB_SECONDS)
    assert job is not None
    assert not job.is_running
    app.run()
    assert not app.exception
    return job
