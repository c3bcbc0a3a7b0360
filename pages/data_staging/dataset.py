"""A staged dataset: its figures, its places and what its images look like."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.aws.environment import Environment
from backend.staging import Dataset
from pages.shared import reads
from pages.shared.images import draw_images
from pages.shared.status import draw_synthetic
from pages.shared.times import format_time

_SHOWN = 10  # images of a class


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


def draw_gallery(environment: Environment, dataset: Dataset) -> None:
    """Some images of each class, from the train or the test split."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Sample images", width="content")
        splits = list(dataset.counts)
        split = st.segmented_control("Split", splits, default=splits[0], required=True, key="data_staging.split")
    images = reads.list_images(environment, dataset, split)
    for label in dataset.labels:
        chosen = [image for image in images if image.label == label][:_SHOWN]
        st.markdown(f"**{label.replace('_', ' ').capitalize()}**")
        pictures = reads.read_images(environment, tuple(image.key for image in chosen))
        draw_images(pictures, [""] * len(chosen), width=72, key=f"gallery-{label}")


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
