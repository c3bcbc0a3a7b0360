"""A training job: its progress and what came of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from backend import charts, training
from backend.aws.environment import Environment
from backend.prices import cost
from backend.training import TrainingJob
from pages.shared import PagePath, action, draw_next, part
from pages.shared.status import draw_status
from pages.shared.text import as_text
from pages.shared.times import format_duration, format_time
from pages.training.options import take_options

_LOG_LINES = 200


def draw_job(environment: Environment, name: str) -> bool:
    """Everything about a job, read anew; returns whether it goes on."""
    job = training.describe_training(environment, name)
    log = training.read_training_log(environment, name)
    accuracy = log.accuracy
    _draw_head(environment, job, log)
    if job.failure_reason:
        st.error(as_text(job.failure_reason), icon=":material/error:")
    if log.epochs:
        with part():
            epochs = pd.DataFrame([asdict(epoch) for epoch in log.epochs])
            figure = charts.accuracy_by_epoch(epochs, accuracy.kept_epoch if accuracy else None)
            st.plotly_chart(figure, key="training.accuracy", alt="Accuracy by epoch")
    with part():
        _draw_end(job, log)
    with part():
        _draw_details(job, log)
    return not job.has_ended


def _draw_end(job: TrainingJob, log: training.TrainingLog) -> None:
    """What was kept of a job that has ended, and where to go with it."""
    if job.status == "Completed":
        draw_next(PagePath.DEPLOYMENT, "The model is kept. Next, an endpoint answers with it.")
    elif job.status == "Stopped" and log.accuracy is None:
        st.info("Stopped before the first epoch was validated: no model was kept.", icon=":material/stop_circle:")
    elif job.status == "Stopped" and log.accuracy is not None:
        kept = f"the model of epoch {log.accuracy.kept_epoch + 1}, the best so far, is kept."
        draw_next(PagePath.DEPLOYMENT, f"{job.why_stopped.capitalize()}; {kept} It can be deployed.")


def _draw_head(environment: Environment, job: TrainingJob, log: training.TrainingLog) -> None:
    accuracy = log.accuracy
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(job.name, anchor=False, width="content")
            draw_status(job.status)
        if job.has_ended:
            st.button(
                "Same options again",
                icon=":material/replay:",
                help="Fills the form above with what this job was asked for.",
                on_click=take_options,
                args=(training.options_of(job),),
            )
        elif st.button("Stop", icon=":material/stop_circle:", disabled=job.status == "Stopping"):
            with action("Stopping: the model so far is kept"):
                training.stop_training(environment, job.name)
    elapsed = job.training_seconds or (datetime.now(UTC) - job.created_at).total_seconds()
    columns = st.columns(4)
    columns[0].metric("Stage", job.secondary_status)
    columns[1].metric("Time", format_duration(elapsed))
    with columns[2]:
        if job.has_ended:
            _draw_bill(job)
        else:
            left = log.seconds_left(job.epochs) if job.epochs else None
            st.metric("Time left", format_duration(left), help="By the epochs so far.")
    columns[3].metric(
        "Validation accuracy",
        "-" if accuracy is None else f"{accuracy.kept:.3f}",
        accuracy.epochs_in_words if accuracy else None,
        delta_color="off",
        delta_arrow="off",
        help="On the validation images, in the epoch with the best one: the algorithm keeps its model.",
    )


def _draw_bill(job: TrainingJob) -> None:
    price = cost(job.instance_type, job.billable_seconds)
    st.metric(
        "Billed",
        format_duration(job.billable_seconds),
        None if price is None else f"{price:,.3f} USD on AWS, us-east-1",
        delta_color="off",
        delta_arrow="off",
        help=f"What AWS charges for {job.instance_type}, by the second; on this machine it costs nothing.",
    )


def _draw_details(job: TrainingJob, log: training.TrainingLog) -> None:
    lines, stages, options = st.tabs(["Log", "Stages", "Hyperparameters"])
    with lines, st.container(height=320, border=False, autoscroll=True):
        tail = log.lines[-_LOG_LINES:]
        st.code("\n".join(tail) or "The job has not logged anything yet.", language=None)
    stages.dataframe(
        pd.DataFrame(
            [
                {"Stage": item.status, "Since": format_time(item.started_at), "Message": item.message}
                for item in job.transitions
            ]
        ),
        hide_index=True,
        height="content",
    )
    frame = pd.DataFrame(job.hyperparameters.items(), columns=["Hyperparameter", "Value"])
    options.dataframe(frame, hide_index=True, height="content")
