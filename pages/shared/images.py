"""Images, enlarged with their pixels kept sharp: CIFAR's are 32 pixels wide."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.errors import InvalidImage
from backend.staging.upright import make_showable
from pages.shared.text import as_text

_SHARP = """<style>
[class*="st-key-sharp"] img { image-rendering: pixelated; border-radius: 4px; }
[class*="st-key-sharp"] [data-testid="stImage"] { gap: 8px; }
</style>"""


def draw_images(images: Sequence[bytes], captions: Sequence[str], *, width: int, key: str) -> None:
    """Images in wrapping rows, each `width` pixels wide; `key` is unique on the page.

    They stay PNG: Streamlit would make JPEGs of them, whose blocks show when enlarged. What a browser cannot show is
    made a PNG that it can; of what is no image, it is said.
    """
    shown: list[bytes] = []
    names: list[str] = []
    with st.container(key=f"sharp-{key}"):
        st.html(_SHARP)
        for content, caption in zip(images, captions, strict=True):
            try:
                shown.append(make_showable(content, width))
                names.append(caption)
            except InvalidImage as error:
                st.caption(as_text(f"{caption or 'The image'}: cannot be shown. {error}"))
        if shown:
            st.image(shown, caption=names, width=width, output_format="PNG", alt=names)
