"""Training jobs: starting one, following it, and what came of the earlier ones."""

from __future__ import annotations

import streamlit as st

from backend import training
from backend.staging import Dataset
from backend.training import Accuracy, TrainingJob
from pages.shared import PagePath, action, current_environment, draw_about, draw_missing, follow, part, reads
from pages.training.job import choose_job, choose_options, draw_job

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
        with st.expander("Start a training job", icon=":material/play_circle:", expanded=not jobs):
            options = choose_options()
            if st.button("Start training", icon=":material/play_arrow:", type="primary"):
                with action("Training started"), st.spinner("Starting the training job"):
                    training.start_training(environment, dataset, options)
with part():
    if jobs:
        job = choose_job(jobs, accuracies)
        follow(lambda: draw_job(environment, job.name), is_changing=not job.has_ended)
    elif jobs is not None and dataset is not None:
        draw_missing("No training job yet. The defaults above are a good start.")
