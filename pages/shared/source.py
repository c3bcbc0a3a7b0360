"""Choosing where images come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import streamlit as st

from backend.aws.environment import Environment
from backend.staging import LocalArchive, OfflineSample, Source, UniversityDownload

_UNIVERSITY = "University of Toronto"
_ARCHIVE = "Archive"
_SAMPLE = "Offline sample"
_CAPTIONS = {
    _UNIVERSITY: "CIFAR-100 itself: a download of 169 MB, kept for the next time.",
    _ARCHIVE: "A CIFAR-100 archive (python version) on the machine that runs the app{or_uploaded}.",
    _SAMPLE: "Synthetic images drawn by this project, for where there is no network. They are not CIFAR-100.",
}

_Archive = TypeVar("_Archive")


def choose_source(
    environment: Environment, page: str, choose_archive: Callable[[], _Archive], *, takes_uploads: bool = False
) -> Source | _Archive:
    """The chosen source of images; of an archive, what `choose_archive` says. `page` is whose widgets these are."""
    kind = st.segmented_control(
        "Source",
        list(_CAPTIONS),
        default=_UNIVERSITY,
        required=True,
        key=f"{page}.source",
        persist_state="session",
    )
    st.caption(_CAPTIONS[kind].format(or_uploaded=", or uploaded to it" if takes_uploads else ""))
    if kind == _UNIVERSITY:
        return UniversityDownload(environment.settings.dataset_url)
    return OfflineSample() if kind == _SAMPLE else choose_archive()


def name_archive(page: str) -> LocalArchive | None:
    """An archive on the machine that runs the app, by its path; None while none is named."""
    path = st.text_input(
        "Path", placeholder="/data/cifar-100-python.tar.gz", key=f"{page}.path", persist_state="session"
    )
    return LocalArchive(Path(path).expanduser()) if path else None
