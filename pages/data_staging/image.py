"""One staged image in detail."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backend.aws.environment import Environment
from backend.monitoring import pictures
from backend.staging import CHANNELS, Dataset, StagedImage, pixel_statistics
from backend.wording import as_words, enumerated
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.text import as_text

_WIDTH = 256  # pixels
_PLACE = "data_staging.opened"


def open_image(environment: Environment, dataset: Dataset, images: Sequence[StagedImage], place: int) -> None:
    """Show one of these images large, with what is known of it, and ways to those beside it."""
    st.session_state[_PLACE] = place
    _show(environment, dataset, images)


@st.dialog("Image", width="medium")
def _show(environment: Environment, dataset: Dataset, images: Sequence[StagedImage]) -> None:
    place = st.session_state[_PLACE]
    image = images[place]
    with part():
        [content] = reads.read_images(environment, (image.key,))
        with st.grid(2, min_column_width=_WIDTH + 20):
            with st.container():
                draw_images([content], [as_text(image.name)], width=_WIDTH, key="opened")
                _draw_neighbors(place, len(images))
            with st.container():
                _draw_facts(dataset, image, content)
        _draw_twins(environment, dataset, image)


def _draw_neighbors(place: int, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, icon, shortcut, other in (
            ("Previous", "chevron_left", "Left", place - 1),
            ("Next", "chevron_right", "Right", place + 1),
        ):
            st.button(
                label,
                key=f"data_staging.{label.lower()}",
                icon=f":material/{icon}:",
                shortcut=shortcut,
                disabled=not 0 <= other < count,
                on_click=_go_to,
                args=(other,),
            )
        st.caption(f"{place + 1:,} of {count:,}", width="content")


def _go_to(place: int) -> None:
    st.session_state[_PLACE] = place


def _draw_facts(dataset: Dataset, image: StagedImage, content: bytes) -> None:
    statistics, measured = pixel_statistics(content), pictures.measure(content)
    facts = {
        "Class": f"{as_words(image.label)} (index {image.label_index})",
        "Drawn from": as_words(image.drawn_from) if image.drawn_from else None,
        "Split": image.split,
        "Size": f"{statistics.width} x {statistics.height} pixels, {statistics.stored_bytes:,} bytes as PNG",
        "Brightness": _figure(measured.brightness, ".2f", "mean of luma, from 0 to 1"),
        "Contrast": _figure(measured.contrast, ".2f", "standard deviation of luma"),
        "Sharpness": _figure(measured.sharpness, ",.0f", "variance of the Laplacian"),
        "Key": f"s3://{dataset.bucket}/{image.key}",
    }
    known = {name: as_text(fact) for name, fact in facts.items() if fact is not None}
    st.table(known, border="horizontal", hide_header=True)
    levels = {
        "Mean": [f"{level:.1f}" for level in statistics.mean],
        "Deviation": [f"{level:.1f}" for level in statistics.std],
        "Lowest": statistics.lowest,
        "Highest": statistics.highest,
    }
    st.dataframe(pd.DataFrame(levels, index=CHANNELS).rename_axis("Levels, 0 to 255"))


def _draw_twins(environment: Environment, dataset: Dataset, image: StagedImage) -> None:
    """The images that are nearly the same."""
    duplicates = reads.read_duplicates(environment, dataset)
    path = f"{image.split}/{image.name}"
    pairs = duplicates.of_image(path) if duplicates else []
    if pairs:
        others = [pair.second if pair.first == path else pair.first for pair in pairs]
        st.markdown(f"**Nearly the same:** {as_text(enumerated(others))}")
        found = reads.read_images(environment, tuple(f"{dataset.prefix}{other}" for other in others[:8]))
        draw_images(found, [other.partition("/")[0] for other in others[:8]], width=80, key="opened-twins")


def _figure(value: float | None, form: str, meaning: str) -> str | None:
    return None if value is None else f"{value:{form}} ({meaning})"
