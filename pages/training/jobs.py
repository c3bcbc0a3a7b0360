"""All training jobs in a table: filtered, and the selected ones looked at or compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC

import pandas as pd
import streamlit as st

from backend.prices import cost
from backend.training import Accuracy, TrainingJob
from pages.shared.rows import choose_rows
from pages.shared.times import format_duration

_TALL = 10
_COLUMNS = {
    "Created, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
    "Accuracy": st.column_config.NumberColumn(
        format="%.3f", help="Validation accuracy of the kept model: of the best epoch"
    ),
    "Kept epoch": st.column_config.NumberColumn(help="The first with the best validation accuracy"),
    "Last epoch's": st.column_config.NumberColumn(
        format="%.3f", help="Validation accuracy of the last epoch, which is kept only where it is the best"
    ),
    "USD": st.column_config.NumberColumn(
        format="%.3f", help="What the billed seconds cost on AWS in us-east-1, where the price is known"
    ),
}


def choose_jobs(jobs: Sequence[TrainingJob], accuracies: Mapping[str, Accuracy]) -> list[TrainingJob]:
    """A table of the jobs, newest first; the selected ones, at first the newest; none where the filter has none."""
    shown = _filtered(jobs)
    if not shown:
        st.caption("No job is like that.")
        return []
    return choose_rows(
        pd.DataFrame([_row(job, accuracies.get(job.name)) for job in shown]),
        shown,
        height="content" if len(shown) <= _TALL else 400,
        key=f"training.jobs.{hash(tuple(job.name for job in shown))}",
        column_config=_COLUMNS,
    )


def _filtered(jobs: Sequence[TrainingJob]) -> list[TrainingJob]:
    statuses = sorted({job.status for job in jobs})
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Find",
            placeholder="Part of a name, dataset or option, as adam or num_layers=32",
            key="training.find",
            icon=":material/search:",
        )
        chosen = st.pills("Status", statuses, selection_mode="multi", key="training.status")
    return [job for job in jobs if (not chosen or job.status in chosen) and text.strip().lower() in _searched(job)]


def _searched(job: TrainingJob) -> str:
    options = (f"{name}={value}" for name, value in job.hyperparameters.items())
    return " ".join([job.name, job.dataset_id or "", job.instance_type or "", *options]).lower()


def _row(job: TrainingJob, accuracy: Accuracy | None) -> dict[str, object]:
    return {
        "Job": job.name,
        "Status": job.status,
        "Created, UTC": job.created_at.astimezone(UTC),
        "Dataset": job.dataset_id,
        "Epochs": job.epochs,
        "Accuracy": accuracy and accuracy.kept,
        "Kept epoch": accuracy and accuracy.kept_epoch + 1,
        "Last epoch's": accuracy.last if accuracy else job.validation_accuracy,
        "Training time": format_duration(job.training_seconds),
        "Billed": format_duration(job.billable_seconds),
        "USD": cost(job.instance_type, job.billable_seconds),
    }
