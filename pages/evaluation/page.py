"""How good a model is on images that it has not seen, and which confidence is enough."""

from __future__ import annotations

import streamlit as st

from backend.evaluation import Evaluation
from backend.examples import Example
from backend.workflow import DEFAULT_THRESHOLD, Workflow
from pages.evaluation.answers import draw_accuracy, draw_calibration, draw_confusions
from pages.evaluation.foreign import draw_foreign
from pages.evaluation.run import choose_job, draw_head, draw_run
from pages.evaluation.threshold import draw_handover, draw_threshold
from pages.shared import (
    JobName,
    PagePath,
    current_environment,
    draw_about,
    draw_code,
    draw_missing,
    draw_next,
    follow_job,
    part,
    reads,
)

st.title("Evaluation")
draw_about(PagePath.EVALUATION)
environment = current_environment()
shown: Evaluation | None = None
deployed: Workflow | None = None
is_workflow_read = False

trained = reads.list_deployable_jobs(environment)
if not trained:
    draw_missing("An evaluation needs a trained model: no training job has one.", PagePath.TRAINING)
    st.stop()

job = choose_job(trained)
follow_job(JobName.EVALUATION)
follow_job(JobName.WORKFLOW)
with part():
    shown = reads.read_evaluation(environment, job)
with part():
    draw_run(environment, job, shown)
with part():
    dataset = reads.describe_dataset(environment)
    if dataset is not None and reads.describe_endpoint(environment) is not None:
        draw_code(environment, Example.EVALUATION, {"dataset": dataset.dataset_id, "labels": dataset.labels})
with part():
    deployed = reads.describe_workflow(environment)
    is_workflow_read = True

if shown is not None:
    draw_head(shown)
    draw_next(PagePath.WORKFLOW, "The model is evaluated. Next, a workflow passes on what reaches a threshold.")
    accuracy, confusions, calibration, foreign, threshold = st.tabs(
        ["Accuracy", "Confusions", "Calibration", "Foreign images", "Threshold"], key="evaluation.tab"
    )
    with accuracy, part():
        draw_accuracy(shown)
    with confusions, part():
        draw_confusions(environment, shown)
    with calibration, part():
        draw_calibration(shown)
    with foreign, part():
        draw_foreign(environment, shown, deployed.threshold if deployed else DEFAULT_THRESHOLD)
    with threshold, part():
        draw_threshold(environment, shown, deployed)
    if is_workflow_read:
        with threshold, part():
            draw_handover(environment, shown, deployed)
