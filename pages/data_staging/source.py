"""Choosing where the images come from, and which of them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend import jobs, staging
from backend.aws.environment import Environment
from backend.staging import GROUP_OF, LocalArchive, OfflineSample, Source, UniversityDownload, Upload
from backend.wording import as_words
from pages.data_staging.other import PACKINGS, OtherChoice
from pages.shared.live import JobName

_UNIVERSITY = "University of Toronto"
_ARCHIVE = "Archive"
_SAMPLE = "Offline sample"
_CAPTIONS = {
    _UNIVERSITY: "CIFAR-100 itself: a download of 169 MB, kept for the next time.",
    _ARCHIVE: "A CIFAR-100 archive (python version) on the machine that runs the app, or uploaded to it.",
    _SAMPLE: "Synthetic images drawn by this project, for where there is no network. They are not CIFAR-100.",
}


def choose_source(environment: Environment) -> Source | UploadedFile | None:
    """The chosen source of images, or an uploaded archive; None while no archive is named."""
    kind = st.segmented_control(
        "Source",
        list(_CAPTIONS),
        default=_UNIVERSITY,
        required=True,
        key="data_staging.source",
        persist_state="session",
    )
    st.caption(_CAPTIONS[kind])
    if kind == _UNIVERSITY:
        return UniversityDownload(environment.settings.dataset_url)
    if kind == _SAMPLE:
        return OfflineSample()
    return _choose_archive()


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
    environment: Environment, source: Source | UploadedFile, labels: list[str], other: OtherChoice | None
) -> None:
    """Stage in the background; raises JobAlreadyRunning while somebody does."""
    work = partial(
        staging.stage_upload,
        environment,
        _upload(source) if isinstance(source, UploadedFile) else source,
        labels,
        other=other.options if other else None,
        material=_upload(other.upload) if other and other.upload else None,
    )
    jobs.start(JobName.STAGING, "Staging images", work, "The images are staged.")


def _upload(file: UploadedFile) -> Upload:
    return Upload(file.name, file)


def _with_group(label: str) -> str:
    """A class as people read it, after its group: "vehicles 1 / bicycle"."""
    return as_words(f"{GROUP_OF[label]} / {label}")


def _choose_archive() -> Source | UploadedFile | None:
    path_column, upload_column = st.columns(2)
    path = path_column.text_input(
        "Path", placeholder="/data/cifar-100-python.tar.gz", key="data_staging.path", persist_state="session"
    )
    upload = upload_column.file_uploader("Or upload it", type=PACKINGS, key="data_staging.upload")
    if upload is not None:
        return upload
    return LocalArchive(Path(path).expanduser()) if path else None
