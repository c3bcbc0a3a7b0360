"""Training jobs: starting one, following it, comparing, and what came of the earlier ones."""

from __future__ import annotations

import streamlit as st

from backend import training
from backend.examples import Example
from backend.staging import Dataset
from backend.training import Accuracy, TrainingJob
from pages.shared import PagePath, action, current_environment, draw_about, draw_code, draw_missing, follow, part, reads
from pages.training.comparison import draw_comparison
from pages.training.job import draw_job
from pages.training.jobs import choose_jobs
from pages.training.options import FORM, choose_options

st.title("Training")
draw_about(PagePath.TRAINING)
environment = current_environment()
dataset: Dataset | None = None
jobs: list[TrainingJob] | None = None
accuracies: dict[str, Accuracy] = {}

with part():
    jobs = reads.list_training_jobs(environment)
with part():
    accuracies = reads.accuracies(environment, tuple(job.name for job in jobs or () if job.has_ended))
with part():
    dataset = reads.describe_dataset(environment)
    if dataset is None:
        draw_missing("Training needs images, and none are staged.", PagePath.DATA_STAGING)
    else:
        st.session_state.setdefault(FORM, not jobs)
        with st.expander("Start a training job", icon=":material/play_circle:", key=FORM, on_change="rerun"):
            options = choose_options()
            if st.button("Start training", icon=":material/play_arrow:", type="primary"):
                with action("Training started"), st.spinner("Starting the training job"):
                    training.start_training(environment, dataset, options)
        with part():
            draw_code(
                environment,
                Example.TRAINING,
                {
                    "dataset": dataset.dataset_id,
                    "instance_type": options.instance_type,
                    "hours": options.max_runtime_hours,
                    "hyperparameters": options.hyperparameters(dataset),
                },
            )
with part():
    if jobs:
        chosen = choose_jobs(jobs, accuracies)
        changing = any(not job.has_ended for job in chosen)
        if len(chosen) == 1:
            follow(lambda: draw_job(environment, chosen[0].name), is_changing=changing)
        elif chosen:
            follow(lambda: draw_comparison(environment, chosen), is_changing=changing)
    elif jobs is not None and dataset is not None:
        draw_missing("No training job yet. The defaults above are a good start.")
