"""Images, enlarged with their pixels kept sharp: CIFAR's are 32 pixels wide."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_SHARP = """<style>
[class*="st-key-sharp"] img { image-rendering: pixelated; border-radius: 4px; }
[class*="st-key-sharp"] [data-testid="stImage"] { gap: 8px; }
</style>"""


def draw_images(images: Sequence[bytes], captions: Sequence[str], *, width: int, key: str) -> None:
    """Images in wrapping rows, each `width` pixels wide; `key` is unique on the page.

    They stay PNG: Streamlit would make JPEGs of them, whose blocks show when enlarged.
    """
    with st.container(key=f"sharp-{key}"):
        st.html(_SHARP)
        st.image(list(images), caption=list(captions), width=width, output_format="PNG", alt=list(captions))
