"""A staged dataset: its figures, its places and what its images look like."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.staging import (
    Dataset,
    codec_warning,
    describe_other,
    describe_reviewed,
)
from pages.shared.status import draw_synthetic
from pages.shared.text import as_text
from pages.shared.times import format_time


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
        if said := describe_reviewed(dataset):
            st.markdown(as_text(said))


def _draw_other(dataset: Dataset) -> None:
    """What the class `other` is made of, or what it means that there is none."""
    st.markdown(as_text(describe_other(dataset)))
    if warning := codec_warning(dataset):
        st.warning(as_text(warning), icon=":material/warning:")


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
