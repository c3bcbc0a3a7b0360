"""Choosing where the images come from, and which of them."""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend import jobs, staging
from backend.aws.environment import Environment
from backend.staging import GROUP_OF, OfflineSample, Reviewed, Source, UniversityDownload, Upload
from backend.wording import as_words
from pages.data_staging.other import PACKINGS, OtherChoice
from pages.shared.live import JobName
from pages.shared.source import name_archive


def choose_labels(source: Source | UploadedFile | None) -> list[str]:
    """The chosen labels, in the order of their class index."""
    offered = OfflineSample.labels if isinstance(source, OfflineSample) else UniversityDownload.labels
    return st.multiselect(
        "Classes",
        sorted(offered, key=_with_group),
        default=["bicycle", "motorcycle"],
        format_func=_with_group,
        key=f"data_staging.labels.{len(offered)}",
        persist_state="session",
        help="What the classifier learns to tell apart: two or more. Type the name of a class or of its group.",
    )


def start_staging(
    environment: Environment,
    source: Source | UploadedFile,
    labels: list[str],
    other: OtherChoice | None,
    reviewed: Reviewed,
) -> None:
    """Stage in the background; raises JobAlreadyRunning while somebody does."""
    work = partial(
        staging.stage_upload,
        environment,
        _upload(source) if isinstance(source, UploadedFile) else source,
        labels,
        other=other.options if other else None,
        material=_upload(other.upload) if other and other.upload else None,
        reviewed=reviewed,
    )
    jobs.start(JobName.STAGING, "Staging images", work, "The images are staged.")


def _upload(file: UploadedFile) -> Upload:
    return Upload(file.name, file)


def _with_group(label: str) -> str:
    """A class as people read it, after its group: "vehicles 1 / bicycle"."""
    return as_words(f"{GROUP_OF[label]} / {label}")


def choose_archive() -> Source | UploadedFile | None:
    """An archive on the machine that runs the app, or one that is uploaded; None while none is named."""
    path_column, upload_column = st.columns(2)
    with path_column:
        archive = name_archive("data_staging")
    upload = upload_column.file_uploader("Or upload it", type=PACKINGS, key="data_staging.upload")
    return archive if upload is None else upload
