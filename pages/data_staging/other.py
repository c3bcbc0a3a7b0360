"""Choosing the class for what is none of the chosen ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend.staging import WITHOUT_OTHER, OtherOptions

PACKINGS = ["gz", "tgz", "bz2", "tbz2", "xz", "txz", "tar"]
"""How the names of archives that can be uploaded end."""
_WITH = (
    "The network learns one class more, of images of everything else: drawn evenly from classes that are not chosen, "
    "and pictures of nothing. What it answers so never passes the workflow. A fifth of the other classes is kept out "
    "of training whole, to see what becomes of the unknown."
)
_MATERIAL = (
    "Material for it, if you have any: a folder or tar of PNG or JPEG images of what your cameras see besides. Their "
    "middle is scaled to 32 x 32 pixels; at most half of the class is made of them."
)


@dataclass(frozen=True)
class OtherChoice:
    """How the class is to be made, and material for it that was uploaded."""

    options: OtherOptions
    upload: UploadedFile | None = None


def choose_other() -> OtherChoice | None:
    """How the class `other` is to be made; None without it."""
    is_wanted = st.toggle("Other class", value=True, key="data_staging.other", persist_state="session")
    st.caption(_WITH if is_wanted else WITHOUT_OTHER)
    return _choose_material() if is_wanted else None


def _choose_material() -> OtherChoice:
    st.caption(_MATERIAL)
    path_column, upload_column = st.columns(2)
    path = path_column.text_input(
        "Folder or tar", placeholder="/data/yard-pictures", key="data_staging.material", persist_state="session"
    )
    upload = upload_column.file_uploader("Or upload a tar", type=PACKINGS, key="data_staging.material_upload")
    return OtherChoice(OtherOptions(material=Path(path).expanduser() if path else None), upload)
