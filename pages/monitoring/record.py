"""What was selected, in a drawer beside the charts: its images, or one record with its answer and its neighbors."""

from __future__ import annotations

import streamlit as st

from backend import charts, monitoring
from backend.monitoring import CapturedInference
from pages.monitoring.shown import Shown, close, open_record, opened_record, picked
from pages.monitoring.wall import draw_picked
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.paths import PagePath
from pages.shared.text import as_text
from pages.shared.times import format_time


def draw_selected(shown: Shown) -> None:
    """The record that is open, or the images that were selected; nothing where there are none."""
    if opened_record() is None and picked() is None:
        return

    @st.dialog("Captured images", width="medium", position="right", on_dismiss=close)
    def drawer() -> None:
        with part(), monitoring.kept_open(shown.environment, shown.source):
            record_id, selected = opened_record(), picked()
            if record_id is not None:
                _draw_record(shown, record_id)
            elif selected is not None:
                draw_picked(shown, selected)

    drawer()


def _draw_record(shown: Shown, record_id: int) -> None:
    """A record's image, its probabilities, its execution, and what else is known of it."""
    with part():
        _draw_neighbors(shown, record_id)
    inference = reads.capture_detail(shown.environment, shown.source, record_id)
    picture, answer = st.columns([2, 3], gap="medium")
    with picture, part():
        if inference.image is not None:
            draw_images([inference.image], [""], width=192, key="record")
        else:
            st.caption(as_text(inference.image_problem or "The endpoint did not capture its input."))
    with answer, part():
        _draw_answer(shown, inference)
    with part():
        st.plotly_chart(
            charts.probabilities_bar(inference.probabilities, shown.labels, shown.threshold),
            key=f"monitoring.bar.{record_id}",
            alt="Probability of each class",
        )
    with part():
        _draw_facts(inference)
    if shown.is_own and inference.inference_id:
        st.page_link(
            PagePath.TEST_IMAGES,
            label=as_text(f"Execution {inference.inference_id}"),
            icon=":material/account_tree:",
            query_params={"execution": inference.inference_id},
        )


def _draw_neighbors(shown: Shown, record_id: int) -> None:
    """Ways to the records before and behind this one, by the arrow keys too, and back to the images it is from."""
    before, behind = monitoring.beside(shown.environment, shown.source, shown.selection, record_id)
    with st.container(horizontal=True, vertical_alignment="center", key="monitoring.neighbors"):
        if picked() is not None:
            st.button(
                "All images", key="monitoring.all", icon=":material/grid_view:", on_click=open_record, args=(None,)
            )
        for label, icon, shortcut, other in (
            ("Previous", "chevron_left", "Left", before),
            ("Next", "chevron_right", "Right", behind),
        ):
            st.button(
                label,
                key=f"monitoring.{label.lower()}",
                icon=f":material/{icon}:",
                shortcut=shortcut,
                disabled=other is None,
                on_click=open_record,
                args=(other,),
            )


def _draw_answer(shown: Shown, inference: CapturedInference) -> None:
    true_labels = {}
    if shown.is_own and inference.inference_id:
        true_labels = reads.labels_by_inference(shown.environment, (inference.inference_id,))
    with st.grid(2, min_column_width=110):
        st.metric("Predicted", as_text(charts.class_label(shown.labels, inference.class_index)))
        st.metric("True class", as_text(true_labels.get(inference.inference_id or "", "unknown")))
        st.metric("Confidence", f"{inference.confidence:.3f}")
    st.caption(f"Captured {format_time(inference.time)}")


def _draw_facts(inference: CapturedInference) -> None:
    """What is known of the image and of its file."""
    facts = {
        "Size": f"{inference.width} x {inference.height} pixels" if inference.width else None,
        "Brightness": _figure(inference.brightness, ".2f", "mean of luma, from 0 to 1"),
        "Contrast": _figure(inference.contrast, ".2f", "standard deviation of luma"),
        "Sharpness": _figure(inference.sharpness, ",.0f", "variance of the Laplacian"),
        "Endpoint": inference.endpoint or None,
        "Variant": inference.variant or None,
        "Inference": inference.inference_id,
        "Image key": inference.image_key,
        "File": inference.key,
    }
    known = {name: as_text(fact) for name, fact in facts.items() if fact is not None}
    st.table(known, border="horizontal", hide_header=True)


def _figure(value: float | None, form: str, meaning: str) -> str | None:
    return None if value is None else f"{value:{form}} ({meaning})"
