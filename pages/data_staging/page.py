"""Staging images in the bucket, and what is staged."""

from __future__ import annotations

import streamlit as st

from pages.data_staging.dataset import draw_dataset
from pages.data_staging.duplicates import draw_duplicates
from pages.data_staging.gallery import draw_gallery
from pages.data_staging.inside import draw_inside
from pages.data_staging.other import choose_other
from pages.data_staging.reviewed import choose_reviewed
from pages.data_staging.source import choose_archive, choose_labels, start_staging
from pages.shared import (
    JobName,
    PagePath,
    action,
    current_environment,
    draw_about,
    draw_missing,
    draw_next,
    follow_job,
    is_running,
    part,
    reads,
)
from pages.shared.source import choose_source

st.title("Data staging")
draw_about(PagePath.DATA_STAGING)
environment = current_environment()
dataset = None

with part():
    dataset = reads.describe_dataset(environment)
    if dataset is None:
        draw_missing("No images are staged yet. Choose a source and its classes below.")
    else:
        draw_dataset(dataset)

follow_job(JobName.STAGING)
if dataset is not None and not is_running(JobName.STAGING):
    draw_next(PagePath.TRAINING, "The images are in the bucket. A model can learn from them now.")

with st.expander("Stage images", icon=":material/upload:", expanded=dataset is None), part():
    source = choose_source(environment, "data_staging", choose_archive, takes_uploads=True)
    labels = choose_labels(source)
    if source is not None:
        draw_inside(environment, source, labels)
    other = choose_other()
    reviewed = choose_reviewed(environment)
    can_start = source is not None and not is_running(JobName.STAGING)
    if st.button("Stage images", icon=":material/upload:", type="primary", disabled=not can_start) and source:
        with action("Staging started"):
            start_staging(environment, source, labels, other, reviewed)

if dataset is not None:
    with part():
        draw_gallery(environment, dataset)
    with part():
        draw_duplicates(environment, dataset)
