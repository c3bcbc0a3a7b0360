"""What the chosen source holds, before any of it is staged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from backend import staging
from backend.aws.environment import Environment
from backend.staging import Contents, Source, Upload
from backend.wording import as_words, enumerated
from pages.shared.environment import part
from pages.shared.images import draw_images

_KEPT = "data_staging.inside"
_UNKNOWN = "Nothing was downloaded from this address yet: what is there is known when it is staged."
_FEW, _TABLE_HEIGHT = 8, 320  # classes, and the pixels in which some of more are seen at once


def draw_inside(environment: Environment, source: Source | UploadedFile, labels: Sequence[str]) -> None:
    """A way to look into the source; what was seen stays until another one is chosen."""
    name = source.file_id if isinstance(source, UploadedFile) else repr(source)
    if st.button("Look inside", icon=":material/search:", key="data_staging.look"):
        st.session_state.pop(_KEPT, None)
        with part(), st.spinner("Reading what the source holds"):
            asked = Upload(source.name, source) if isinstance(source, UploadedFile) else source
            st.session_state[_KEPT] = name, staging.look_inside(asked, environment.downloads_dir)
    of, contents = st.session_state.get(_KEPT, (None, None))
    if of == name:
        if contents is None:
            st.caption(_UNKNOWN)
        else:
            _draw_contents(contents, labels)


def _draw_contents(contents: Contents, labels: Sequence[str]) -> None:
    classes = contents.classes
    counts = enumerated([f"{contents.total(split):,} {split}" for split in contents.counts])
    st.markdown(f"{counts} images; {len(classes)} classes can be staged.")
    missing = [as_words(label) for label in labels if label not in classes]
    if missing:
        st.warning(f"There are no images of {enumerated(missing)} in it.", icon=":material/warning:")
    frame = pd.DataFrame(contents.counts).fillna(0).astype(int)
    frame = frame.rename_axis("Class").rename(index=as_words, columns=str.capitalize)
    first = [as_words(label) for label in labels if label in classes]
    frame = frame.loc[[*first, *(name for name in frame.index if name not in first)]]
    with st.container(horizontal=True, gap="medium"):
        st.dataframe(frame, width="content", height=_TABLE_HEIGHT if len(frame) > _FEW else "content")
        with st.container(width="stretch"):
            for label in labels:
                if images := contents.images.get(label):
                    st.caption(as_words(label))
                    draw_images(images, [""] * len(images), width=64, key=f"inside-{label}")
