"""Many images at once, sent by the second state machine, and what came of them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.aws.environment import Environment
from backend.staging import Dataset
from backend.staging.dataset import TEST
from backend.wording import count_of
from backend.workflow import Workflow, fan_out
from backend.workflow.fan_out import PAGE_IMAGES, FanOut, SentImage, Summary
from backend.workflow.outcome import JUDGED
from pages.shared import PagePath, draw_missing, follow, reads
from pages.shared.environment import action, part
from pages.shared.rows import choose_row
from pages.shared.status import draw_status
from pages.shared.text import as_text, visible
from pages.shared.times import format_duration, format_time

_ALL, _PREFIX = "All test images", "A prefix of the bucket"
_STATUS = {"SUCCEEDED": "Completed", "FAILED": "failed", "ABORTED": "stopped", "TIMED_OUT": "timed out"}


def draw_fan_out(environment: Environment, deployed: Workflow) -> None:
    """Sending many images, and the newest times that somebody did."""
    st.subheader("Many images", anchor=False)
    if deployed.fan_out is None:
        draw_missing("This workflow was deployed before it took many images at once. Update the workflow, and it does.")
        return
    with part():
        _draw_choice(environment)
    with part():
        _draw_newest(environment)


def _draw_choice(environment: Environment) -> None:
    dataset = reads.describe_dataset(environment)
    labels = list(dataset.labels) if dataset else []
    options = [*([_ALL] if dataset else []), *labels, _PREFIX]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Images", options, key="fan_out.images", width=260, format_func=_option)
        prefix = ""
        if chosen == _PREFIX:
            prefix = st.text_input("Prefix", placeholder="uploads/", key="fan_out.prefix", width=320).strip()
        ready = chosen != _PREFIX or bool(prefix)
        if st.button("Send them", icon=":material/account_tree:", disabled=not ready, key="fan_out.send"):
            with action("Sending started"):
                _send(environment, dataset, chosen, prefix)


def _option(name: str) -> str:
    return name if name in (_ALL, _PREFIX) else f"Test images of {name}"


def _send(environment: Environment, dataset: Dataset | None, chosen: str, prefix: str) -> None:
    if dataset is None or chosen == _PREFIX:
        fan_out.start_fan_out(environment, prefix=prefix)
    elif chosen == _ALL:
        fan_out.start_fan_out(environment, prefix=dataset.image_key(TEST, ""))
    else:
        images = reads.list_images(environment, dataset, TEST)
        fan_out.start_fan_out(environment, keys=[image.key for image in images if image.label == chosen])


def _draw_newest(environment: Environment) -> None:
    names = reads.list_fan_outs(environment)
    if not names:
        st.caption("Nobody has sent many images at once yet.")
        return
    name = st.selectbox("Sent, newest first", names, key=f"fan_out.chosen.{names[0]}", width=420)
    found = fan_out.describe_fan_out(environment, name)
    if found is None:
        draw_missing("It is gone: Step Functions keeps executions for 90 days.")
        return
    follow(lambda: _draw_run(environment, name), is_changing=found.is_running)
    if not found.is_running or found.pages:
        with part():
            _draw_images(environment, found)


def _draw_run(environment: Environment, name: str) -> bool:
    """How it stands; whether there is more to come."""
    found = fan_out.describe_fan_out(environment, name)
    if found is None:
        return False
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            draw_status(_STATUS.get(found.status, "running"))
            st.caption(_said_of(found), width="stretch")
            if found.is_running and st.button("Stop", icon=":material/stop_circle:", key="fan_out.stop"):
                with action("Stopped; nothing more is sent"):
                    fan_out.stop_fan_out(environment, name)
        _draw_summary(found.summary)
        if found.cause:
            st.error(as_text(f"{found.error}: {found.cause}"), icon=":material/error:")
    return found.is_running


def _said_of(found: FanOut) -> str:
    images = f"a list of {count_of(found.keys or 0, 'image')}" if not found.prefix else f"images under {found.prefix}"
    of_what, begun = as_text(f"Of {images}"), format_time(found.started_at)
    if found.stopped_at is None:
        return f"{of_what}, since {begun}; each {PAGE_IMAGES} are counted when they are through."
    return f"{of_what}, {begun}, in {format_duration((found.stopped_at - found.started_at).total_seconds())}."


def _draw_summary(summary: Summary) -> None:
    figures = {
        "Images": summary.images,
        "Passed": summary.passed,
        "Rejected": summary.rejected,
        "Not a known class": summary.unknown,
        "Failed": summary.failed,
    }
    with st.container(horizontal=True):
        for label, value in figures.items():
            st.metric(label, f"{value:,}", width="content")
    if summary.by_class:
        rows = [
            {"Class": visible(label), **{outcome.capitalize(): counts.get(outcome, 0) for outcome in JUDGED}}
            for label, counts in sorted(summary.by_class.items())
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", key="fan_out.classes")


def _draw_images(environment: Environment, found: FanOut) -> None:
    """What came of the images, a page at a time, with the execution of the one that is selected."""
    pages = max(found.pages, 1)
    number = st.pagination(pages, key=f"fan_out.page.{found.name}") if pages > 1 else 1
    images = reads.read_fan_out_page(environment, found.name, number)
    if not images:
        if found.pages:
            st.caption("What came of each of these is not kept any more, only how many there were.")
        return
    image = choose_row(
        pd.DataFrame([_row(image) for image in images]),
        images,
        height=min(280, 38 + 35 * len(images)),
        key=f"fan_out.image.{found.name}.{number}",
    )
    st.page_link(
        PagePath.TEST_IMAGES,
        label=as_text(f"Execution {image.execution}"),
        icon=":material/account_tree:",
        query_params={"execution": image.execution},
    )


def _row(image: SentImage) -> dict[str, object]:
    return {
        "Image": visible(image.key.rpartition("/")[2]),
        "Outcome": visible(image.outcome),
        "Class": visible(image.label) or None,
        "Error": visible(image.error) or None,
    }
