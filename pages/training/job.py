"""A training job: its options, its progress and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from backend import charts, training
from backend.aws.environment import Environment
from backend.prices import cost
from backend.training import LEARNING_RATES, Accuracy, TrainingJob, TrainingOptions
from pages.shared.environment import action, part
from pages.shared.rows import choose_row
from pages.shared.status import draw_status
from pages.shared.text import as_text
from pages.shared.times import format_duration, format_time

_LOG_LINES = 200
_DEFAULTS = TrainingOptions()


def choose_options() -> TrainingOptions:
    """Widgets for the algorithm's hyperparameters and the machine, at their defaults."""
    first, second, third = st.columns(3)
    epochs = first.number_input("Epochs", 1, 500, _DEFAULTS.epochs, key="training.epochs")
    layers = second.selectbox("Layers", [20, 32, 44, 56, 110], key="training.layers", help="Depth of the ResNet.")
    batch = third.selectbox("Batch size", [16, 32, 64, 128, 256], index=1, key="training.batch")
    optimizer = first.selectbox("Optimizer", list(LEARNING_RATES), key="training.optimizer")
    usual_rate = LEARNING_RATES[optimizer]
    rate = second.number_input(
        "Learning rate", 1e-5, 1.0, usual_rate, step=usual_rate / 10, format="%g", key=f"training.rate.{optimizer}"
    )
    augmentation = third.selectbox(
        "Augmentation",
        ["crop", "crop_color", "crop_color_transform", ""],
        format_func=lambda kind: kind.replace("_", ", ") or "none",
        key="training.augmentation",
    )
    with st.popover("More options", icon=":material/tune:"):
        decay = st.number_input(
            "Weight decay", 0.0, 1.0, _DEFAULTS.weight_decay, step=1e-4, format="%g", key="training.decay"
        )
        steps = st.text_input(
            "Lower the learning rate after epochs",
            _steps(epochs),
            key=f"training.steps.{epochs}",
            help="Numbers with commas.",
        )
        factor = st.number_input(
            "Lower it to this share", 0.01, 1.0, _DEFAULTS.lr_scheduler_factor, step=0.05, key="training.factor"
        )
        instance = st.text_input("Instance type", _DEFAULTS.instance_type, key="training.instance")
        hours = st.number_input(
            "Longest time, hours",
            1,
            28 * 24,
            _DEFAULTS.max_runtime_hours,
            key="training.hours",
            help="SageMaker stops a job that takes longer, and keeps its best model so far.",
        )
    return TrainingOptions(
        num_layers=layers,
        epochs=epochs,
        mini_batch_size=batch,
        learning_rate=rate,
        optimizer=optimizer,
        weight_decay=decay,
        augmentation_type=augmentation,
        lr_scheduler_step=steps,
        lr_scheduler_factor=factor,
        instance_type=instance,
        max_runtime_hours=hours,
    )


def choose_job(jobs: list[TrainingJob], accuracies: Mapping[str, Accuracy]) -> TrainingJob:
    """A table of the jobs, newest first; the one whose row is selected, the newest at first."""
    return choose_row(
        pd.DataFrame([_row(job, accuracies.get(job.name)) for job in jobs]),
        jobs,
        height="content",
        key=f"training.jobs.{jobs[0].name}",
        column_config={
            "Created, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Accuracy": st.column_config.NumberColumn(
                format="%.3f", help="Validation accuracy of the kept model: of the best epoch"
            ),
            "Kept epoch": st.column_config.NumberColumn(help="The first with the best validation accuracy"),
            "Last epoch's": st.column_config.NumberColumn(
                format="%.3f", help="Validation accuracy of the last epoch, which is kept only where it is the best"
            ),
        },
    )


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
        _draw_details(job, log)
    return not job.has_ended


def _draw_head(environment: Environment, job: TrainingJob, log: training.TrainingLog) -> None:
    accuracy = log.accuracy
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(job.name, anchor=False, width="content")
            draw_status(job.status)
        if not job.has_ended and st.button("Stop", icon=":material/stop_circle:", disabled=job.status == "Stopping"):
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


def _steps(epochs: int) -> str:
    """The defaults' epochs, in proportion to how many there are."""
    steps = [round(int(step) * epochs / _DEFAULTS.epochs) for step in _DEFAULTS.lr_scheduler_step.split(",")]
    return ",".join(str(step) for step in dict.fromkeys(steps) if step > 0)


def _row(job: TrainingJob, accuracy: Accuracy | None) -> dict[str, object]:
    return {
        "Job": job.name,
        "Status": job.status,
        "Created, UTC": job.created_at.astimezone(UTC),
        "Training time": format_duration(job.training_seconds),
        "Epochs": job.hyperparameters.get("epochs"),
        "Accuracy": accuracy and accuracy.kept,
        "Kept epoch": accuracy and accuracy.kept_epoch + 1,
        "Last epoch's": accuracy.last if accuracy else job.validation_accuracy,
    }
