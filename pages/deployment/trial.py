"""One picture, asked about on the spot."""

from __future__ import annotations

import random
from dataclasses import dataclass

import streamlit as st

from backend import charts, deployment
from backend.aws.environment import Environment
from backend.charts import class_label
from backend.deployment import Endpoint, Trial
from backend.staging import TEST
from backend.staging.pictures import check_picture
from backend.wording import as_words
from backend.workflow.uploads import MAX_UPLOAD_MB, prepare_image
from pages.shared import reads
from pages.shared.environment import part
from pages.shared.images import draw_images
from pages.shared.text import as_text
from pages.shared.times import format_duration

_TEST_SET, _UPLOAD = "Test set", "Upload"
_BY_WEIGHT = "By weight"
_ANSWER = "deployment.trial.answer"
_WIDTH = 160


@dataclass(frozen=True)
class Picture:
    """An image to ask about; `key` is the bucket's, of an image that is there."""

    content: bytes
    media_type: str
    key: str | None = None


def draw_trial(environment: Environment, endpoint: Endpoint) -> None:
    """Choose a picture, ask the endpoint, and see what it answered, how fast, and which variant did."""
    with st.expander("Try it with one picture", icon=":material/image_search:", key="deployment.trial"):
        question, answer = st.columns([2, 3], gap="large")
        picture: Picture | None = None
        with question:
            with part():
                picture = _choose(environment, endpoint)
            variant = _choose_variant(endpoint)
            asked = st.button("Ask the endpoint", icon=":material/send:", type="primary", disabled=picture is None)
        with answer, part():
            if asked and picture:
                trial = deployment.try_image(
                    environment, picture.content, picture.media_type, key=picture.key, variant=variant
                )
                st.session_state[_ANSWER] = picture, trial, endpoint.labels
            about, *answered = st.session_state.get(_ANSWER, (None,))
            if about is not None and about == picture:
                _draw_answer(*answered)


def _choose(environment: Environment, endpoint: Endpoint) -> Picture | None:
    dataset_id = endpoint.dataset_id if endpoint.labels else None
    ways = [_TEST_SET, _UPLOAD] if dataset_id else [_UPLOAD]
    way = st.segmented_control("Picture", ways, default=ways[0], required=True, key="deployment.trial.way")
    if way == _TEST_SET and dataset_id:
        return _choose_staged(environment, dataset_id)
    file = st.file_uploader(
        "A PNG or JPEG image", ["png", "jpg", "jpeg"], max_upload_size=MAX_UPLOAD_MB, key="deployment.trial.upload"
    )
    if file is None:
        return None
    prepared = prepare_image(file.name, file.getvalue())
    draw_images([prepared.content], [as_text(prepared.name)], width=_WIDTH, key="trial")
    return Picture(prepared.content, prepared.media_type)


def _choose_staged(environment: Environment, dataset_id: str) -> Picture | None:
    dataset = reads.describe_dataset(environment, dataset_id)
    if dataset is None:
        return None
    images = reads.list_images(environment, dataset, TEST)
    label = st.pills("Class", dataset.labels, format_func=as_words, key="deployment.trial.label", help="None: all.")
    keys = {image.key: image for image in images if label in (None, image.label)}
    again = st.button("Another picture", icon=":material/casino:", key="deployment.trial.draw")
    drawn = st.session_state.get("deployment.trial.drawn")
    if again or drawn not in keys:
        drawn = st.session_state["deployment.trial.drawn"] = random.choice(list(keys))  # noqa: S311  any will do
    [content] = reads.read_images(environment, (drawn,))
    shown = as_words(keys[drawn].drawn_from or keys[drawn].label)
    draw_images([content], [shown], width=_WIDTH, key="trial")
    return Picture(content, check_picture(drawn, content), drawn)


def _choose_variant(endpoint: Endpoint) -> str | None:
    """The production variant to ask; None is whichever the weights say. A shadow answers no one."""
    names = [variant.name for variant in endpoint.variants if not variant.is_shadow]
    if len(names) < 2:
        return None
    name = st.segmented_control(
        "Variant", [_BY_WEIGHT, *names], default=_BY_WEIGHT, required=True, key="deployment.trial.variant"
    )
    return None if name == _BY_WEIGHT else name


def _draw_answer(trial: Trial, labels: tuple[str, ...]) -> None:
    best = max(range(len(trial.probabilities)), key=trial.probabilities.__getitem__)
    with st.container(horizontal=True):
        st.metric("Answer", as_words(class_label(labels, best)))
        st.metric("Confidence", f"{trial.probabilities[best]:.3f}")
        st.metric("Latency", format_duration(trial.seconds), help="Until its answer was here.")
        st.metric("Variant", trial.variant or "unknown", help="Which one answered.")
    figure = charts.probabilities_bar(trial.probabilities, labels, None)
    st.plotly_chart(figure, key=f"deployment.trial.{trial.inference_id}", alt="Probability of each class")
    st.caption(
        f"Captured as any request is, as inference {trial.inference_id}. Monitoring does not take it for one that went "
        "through the workflow."
    )
