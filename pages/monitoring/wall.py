"""Captured images side by side, each with a way to its record."""

from __future__ import annotations

from typing import Final

import pandas as pd
import streamlit as st

from backend import charts
from pages.monitoring.shown import Picked, Shown, open_record
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.text import as_text

_PICTURES: Final = 24
_WIDTH: Final = 96
_LEAST_SURE, _REJECTS, _SAMPLE = "Least sure", "Newest rejects", "Random sample"
_WALL, _SEED = "monitoring.wall", "monitoring.seed"


def draw_wall(shown: Shown) -> None:
    """The records that are worth a look: the least sure, the newest rejects, or some by lot."""
    below = shown.threshold if shown.threshold is not None else shown.what_if
    walls = [_LEAST_SURE, _REJECTS, _SAMPLE] if below is not None else [_LEAST_SURE, _SAMPLE]
    with st.container(horizontal=True, vertical_alignment="bottom", key="monitoring.walls"):
        st.subheader("Images", anchor=False, width="content")
        wall = st.segmented_control(
            "Which images",
            walls,
            default=walls[0],
            required=True,
            key=_WALL,
            persist_state="session",
            label_visibility="collapsed",
        )
        if wall == _SAMPLE and st.button("Draw again", icon=":material/casino:", key="monitoring.draw_again"):
            st.session_state[_SEED] = st.session_state.get(_SEED, 0) + 1
    asked = (shown.environment, shown.source, shown.selection)
    if wall == _SAMPLE:
        frame = reads.sampled_records(*asked, _PICTURES, st.session_state.get(_SEED, 0))
    elif wall == _REJECTS and below is not None:
        frame = reads.rejected_records(*asked, _PICTURES, below, shown.other)
    else:
        frame = reads.lowest_records(*asked, _PICTURES)
    draw_pictures(shown, frame, "wall")


def draw_picked(shown: Shown, picked: Picked) -> None:
    """The newest records of what was selected."""
    st.markdown(f"**{as_text(picked.title)}**")
    records = reads.newest_records(shown.environment, shown.source, picked.selection, _PICTURES, picked.confidence)
    if len(records) == _PICTURES:
        st.caption(f"The newest {_PICTURES}.")
    draw_pictures(shown, records, "picked")


def draw_pictures(shown: Shown, frame: pd.DataFrame, key: str) -> None:
    """A picture for each record, with its confidence, which opens it, and its predicted and its true class."""
    if frame.empty:
        st.caption("No record of this kind in this range.")
        return
    record_ids = tuple(int(record_id) for record_id in frame["record_id"])
    pictures: dict[int, bytes] | None = None
    true_labels: dict[str, str] | None = None
    with part():
        pictures = reads.captured_images(shown.environment, shown.source, record_ids, _WIDTH)
    if shown.is_own:
        with part():
            identifiers = tuple(dict.fromkeys(frame["inference_id"].dropna()))
            true_labels = reads.labels_by_inference(shown.environment, identifiers)
    with st.grid(min_column_width=_WIDTH + 8, gap="small", key=f"monitoring.{key}.grid"):
        for record_id, record in zip(record_ids, frame.itertuples(), strict=True):
            with st.container(gap=None, key=f"monitoring.{key}.{record_id}"):
                if pictures is not None:
                    _draw_picture(pictures.get(record_id), record_id, key)
                st.button(
                    f"{record.confidence:.3f}",
                    key=f"monitoring.{key}.open.{record_id}",
                    type="tertiary",
                    on_click=open_record,
                    args=(record_id,),
                )
                predicted = charts.class_label(shown.labels, int(str(record.class_index)))
                st.caption(_in_words(predicted, (true_labels or {}).get(str(record.inference_id))))


def _draw_picture(picture: bytes | None, record_id: int, key: str) -> None:
    if picture is None:
        st.caption("No image")
    else:
        draw_images([picture], [""], width=_WIDTH, key=f"{key}-{record_id}")


def _in_words(predicted: str, true_label: str | None) -> str:
    """The predicted class and, where it is known, the true one."""
    if true_label is None:
        return as_text(predicted)
    if true_label == predicted:
        return f"{as_text(predicted)} :material/check:"
    return f"{as_text(predicted)}  \n:red[is {as_text(true_label)}]"
