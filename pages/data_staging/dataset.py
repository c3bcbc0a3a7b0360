"""A staged dataset: its figures, its places and what its images look like."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import streamlit as st

from backend.aws.environment import Environment
from backend.staging import (
    FINE_LABELS,
    OTHER,
    PURPOSES,
    TEST,
    VALIDATION,
    Dataset,
    StagedImage,
    codec_warning,
    describe_other,
)
from backend.wording import as_words
from pages.shared import reads
from pages.shared.images import draw_images
from pages.shared.status import draw_synthetic
from pages.shared.text import as_text
from pages.shared.times import format_time

_SHOWN = 10  # images of a class
_TEST_OF_EARLIER = (
    "On these the epoch is chosen that is kept, and accuracy is told: staged by an earlier version, without images for "
    "validation. Stage the images again for three splits."
)


def draw_dataset(dataset: Dataset) -> None:
    """Source, counts by split and class, and where the images and the training channels are in S3."""
    with st.container(border=True):
        draw_synthetic(dataset)
        st.markdown(f"**{dataset.source}**")
        st.caption(f"Dataset {dataset.dataset_id}, staged {format_time(dataset.staged_at)}")
        with st.container(horizontal=True, gap="medium"):
            st.dataframe(_counts(dataset), width="content", height="content")
            st.dataframe(_channels(dataset), width="content", height="content")
        st.code(_root(dataset), language=None, wrap_lines=True)
        _draw_other(dataset)


def draw_gallery(environment: Environment, dataset: Dataset) -> None:
    """Some images of each class, by split."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Sample images", width="content")
        splits = dataset.splits
        split = st.segmented_control("Split", splits, default=splits[0], required=True, key="data_staging.split")
    st.caption(_purpose(dataset, split))
    images = reads.list_images(environment, dataset, split)
    for label in dataset.counts[split]:
        chosen = _chosen([image for image in images if image.label == label])
        st.markdown(f"**{as_words(label).capitalize()}**")
        pictures = reads.read_images(environment, tuple(image.key for image in chosen))
        captions = [as_words(image.drawn_from or "") for image in chosen]
        draw_images(pictures, captions, width=72, key=f"gallery-{label}")


def _chosen(images: list[StagedImage]) -> list[StagedImage]:
    """Some of a class: of `other`, which is many, one of each kind, then the second ones, what is no class first."""
    seen: Counter[str | None] = Counter()
    turns = []
    for image in images:
        turns.append((seen[image.drawn_from], image.drawn_from in FINE_LABELS, image))
        seen[image.drawn_from] += 1
    shown = 2 * _SHOWN if images and images[0].label == OTHER else _SHOWN
    return [image for *_, image in sorted(turns, key=lambda turn: turn[:2])[:shown]]


def _draw_other(dataset: Dataset) -> None:
    """What the class `other` is made of, or what it means that there is none."""
    st.markdown(as_text(describe_other(dataset)))
    if warning := codec_warning(dataset):
        st.warning(as_text(warning), icon=":material/warning:")


def _purpose(dataset: Dataset, split: str) -> str:
    """What a split is for; datasets of earlier versions are validated on their test images."""
    if split == TEST and VALIDATION not in dataset.splits:
        return _TEST_OF_EARLIER
    return PURPOSES[split]


def _counts(dataset: Dataset) -> pd.DataFrame:
    """Images by class (rows) and split (columns), with totals."""
    frame = pd.DataFrame(dataset.counts).reindex(list(dataset.labels)).fillna(0).astype(int)
    frame.loc["total"] = frame.sum()
    return frame.rename_axis("Class").rename(columns=str.capitalize)


def _channels(dataset: Dataset) -> pd.DataFrame:
    """The channels of a training job, and what each reads below the dataset's prefix in S3."""
    reads_from = {channel: uri.removeprefix(_root(dataset)) for channel, uri in dataset.channels().items()}
    return pd.DataFrame({"Reads": reads_from}).rename_axis("Channel")


def _root(dataset: Dataset) -> str:
    return f"s3://{dataset.bucket}/{dataset.prefix}"
