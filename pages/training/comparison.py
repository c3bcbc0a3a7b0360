"""Training jobs beside each other: their accuracies on one chart, and the options in which they differ."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend import charts, training
from backend.aws.environment import Environment
from backend.training import TrainingJob
from pages.shared import part, reads

_MOST = 7
"""More lines are not told apart."""


def draw_comparison(environment: Environment, chosen: Sequence[TrainingJob]) -> bool:
    """The chosen jobs, read anew; returns whether one of them goes on."""
    jobs = [job if job.has_ended else training.describe_training(environment, job.name) for job in chosen[:_MOST]]
    st.subheader(f"{len(jobs)} jobs compared", anchor=False)
    if len(chosen) > _MOST:
        st.caption(f"The first {_MOST} of {len(chosen)} that are selected.")
    with part():
        epochs = pd.DataFrame([row for job in jobs for row in _rows(environment, job)])
        st.plotly_chart(charts.compare_accuracies(epochs), key="training.compared", alt="Validation accuracy by epoch")
    with part():
        _draw_differences(jobs)
    return any(not job.has_ended for job in jobs)


def _rows(environment: Environment, job: TrainingJob) -> list[dict[str, object]]:
    log = (
        reads.read_ended_log(environment, job.name)
        if job.has_ended
        else training.read_training_log(environment, job.name)
    )
    kept = log.accuracy.kept_epoch if log.accuracy else None
    return [
        {
            "job": job.name,
            "epoch": item.epoch,
            "validation_accuracy": item.validation_accuracy,
            "is_kept": item.epoch == kept,
        }
        for item in log.epochs
    ]


def _draw_differences(jobs: Sequence[TrainingJob]) -> None:
    asked = {
        job.name: {**job.hyperparameters, "instance type": job.instance_type, "dataset": job.dataset_id} for job in jobs
    }
    names = dict.fromkeys(name for options in asked.values() for name in options)
    rows = [{"Option": name} | {job: options.get(name) or "-" for job, options in asked.items()} for name in names]
    differing = [row for row in rows if len(set(row.values()) - {row["Option"]}) > 1]
    if not differing:
        st.caption("They were asked for the same, on the same dataset: they differ by chance alone.")
        return
    st.markdown("**Where they differ**")
    st.dataframe(pd.DataFrame(differing), hide_index=True, height="content")
