"""Shares, classes and answers as this page writes them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.aws.environment import Environment
from backend.evaluation import EvaluatedImage, Evaluation, Proportion
from backend.wording import as_words
from pages.shared import reads
from pages.shared.images import draw_images
from pages.shared.text import as_text

MOST_PICTURES = 24
_WIDTH = 96  # pixels


def with_interval(proportion: Proportion) -> str:
    """A count with the interval that its share may be in."""
    if not proportion.total:
        return "of no image"
    low, high = proportion.interval
    return f"{proportion.count:,} of {proportion.total:,} images; {low:.1%} to {high:.1%} with 95 % confidence"


def class_name(shown: Evaluation, index: int | None) -> str:
    return "foreign" if index is None else as_words(shown.labels[index])


def draw_pictures(environment: Environment, shown: Evaluation, images: Sequence[EvaluatedImage], key: str) -> None:
    """The first of these images with what was answered; those of a folder, which is not kept, by their names."""
    first = [image for image in images if image.key][:MOST_PICTURES]
    pictures = reads.read_images(environment, tuple(image.key for image in first if image.key))
    captions = [
        f"{_answer(shown, image)}, is {image.drawn_from or class_name(shown, image.label_index)}" for image in first
    ]
    draw_images(pictures, captions, width=_WIDTH, key=key)
    for image in [image for image in images if not image.key][:MOST_PICTURES]:
        st.caption(f"{as_text(image.name)}: {_answer(shown, image)}")
    if len(images) > MOST_PICTURES:
        st.caption(f"The first {MOST_PICTURES} of {len(images):,}.")


def _answer(shown: Evaluation, image: EvaluatedImage) -> str:
    return f"{class_name(shown, image.predicted_index)} {image.confidence:.3f}"
