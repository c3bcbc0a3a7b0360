"""What the endpoint captured: how sure the model is, over time and image by image."""

from __future__ import annotations

import streamlit as st

from backend.staging import Dataset
from backend.workflow import Workflow
from pages.monitoring.captures import (
    choose_range,
    draw_histogram,
    draw_lowest,
    draw_over_time,
    draw_quarantine,
    draw_record,
    draw_summary,
    filter_records,
)
from pages.shared import PagePath, current_environment, draw_missing, part, reads
from pages.shared.status import draw_synthetic

st.title("Monitoring")
environment = current_environment()
workflow: Workflow | None = None
dataset: Dataset | None = None

with part(), st.spinner("Reading captured records", show_time=True):
    reads.refresh_captures(environment)
summary = reads.capture_summary(environment)
if summary is None:
    draw_missing(
        "No captured inference was read yet. Submit images; AWS delivers what the endpoint captures within minutes.",
        PagePath.TEST_IMAGES,
    )
    st.stop()
if not summary.records:
    draw_quarantine(summary)
    if st.button("Refresh", icon=":material/refresh:", key="monitoring.refresh"):
        st.cache_data.clear()
        st.rerun()
    st.stop()

with part():
    workflow = reads.describe_workflow(environment)
with part():
    dataset = reads.describe_dataset(environment)
threshold = workflow.threshold if workflow else None
labels = workflow.labels if workflow else dataset.labels if dataset else ()

if dataset is not None:
    draw_synthetic(dataset)
frame = reads.confidences(environment, choose_range())
with part():
    draw_summary(summary, frame, threshold)
frame = filter_records(frame, labels, threshold)
with part():
    draw_over_time(frame, threshold, labels)
draw_record(environment, labels, threshold)

with st.grid(2, min_column_width=380):
    with st.container(), part():
        draw_lowest(environment, frame, labels)
    with st.container(), part():
        draw_histogram(frame, threshold)
