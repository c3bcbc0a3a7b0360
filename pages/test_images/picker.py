"""Choosing images and sending them through the workflow."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

import streamlit as st

from backend import jobs, workflow
from backend.aws.environment import Environment
from backend.staging import FOREIGN, OTHER, PURPOSES, TEST, Dataset, StagedImage, describe_other
from backend.wording import as_words, count_of
from backend.workflow.uploads import MAX_UPLOAD_MB, MAX_WORKFLOW_BYTES
from pages.shared import reads
from pages.shared.environment import action
from pages.shared.images import draw_images
from pages.shared.live import JobName, is_running
from pages.shared.text import as_text

_RANDOM, _BY_HAND, _ALL, _UPLOAD = "Random", "By hand", "All", "Upload"
_TEST_SET = "Test set"
_SPLITS = {_TEST_SET: TEST, "Foreign images": FOREIGN}
_PAGE = 24  # images, on a page of the gallery


def draw_submission(environment: Environment, dataset: Dataset | None) -> None:
    """Ways to choose images, of the test set or one's own, and the button that submits them."""
    ways = [_RANDOM, _BY_HAND, _ALL, _UPLOAD] if dataset else [_UPLOAD]
    way = st.segmented_control("Choose images", ways, default=ways[0], required=True, key="test_images.way")
    if way == _UPLOAD or dataset is None:
        files = st.file_uploader(
            "PNG or JPEG images",
            type=["png", "jpg", "jpeg"],
            accept_multiple_files=True,
            max_upload_size=MAX_UPLOAD_MB,
            key="test_images.upload",
        )
        st.caption(
            f"The workflow carries {MAX_WORKFLOW_BYTES:,} bytes: a larger image is scaled down to that when it is "
            "submitted, and one that was taken sideways is turned upright."
        )
        contents = [(file.name, file.getvalue()) for file in files]
        if _submit_clicked(len(contents)):
            with action("Submission started"):
                _start(partial(workflow.submit_uploads, environment, contents))
        return
    keys = [image.key for image in _choose_staged(environment, dataset, way)]
    if _submit_clicked(len(keys)):
        with action("Submission started"):
            _start(partial(workflow.run_batch, environment, keys))


def _start(work: jobs.Work) -> None:
    jobs.start(JobName.TEST_IMAGES, "Submitting images", work)


def _submit_clicked(count: int) -> bool:
    label = f"Submit {count_of(count, 'image')}" if count else "Submit images"
    disabled = count == 0 or is_running(JobName.TEST_IMAGES)
    return st.button(label, key="test_images.submit", icon=":material/send:", type="primary", disabled=disabled)


def _choose_staged(environment: Environment, dataset: Dataset, way: str) -> Sequence[StagedImage]:
    """The chosen images, of the test split or of those of classes that were kept out."""
    split = _choose_split() if FOREIGN in dataset.splits else TEST
    images = reads.list_images(environment, dataset, split)
    if split == TEST:
        label = st.pills("Class", dataset.labels, format_func=as_words, key="test_images.label", help="None: all.")
        images = [image for image in images if label in (None, image.label)]
    if any(image.label == OTHER for image in images):
        st.caption(f"{as_text(describe_other(dataset))} Such an image is right where it ends as not a known class.")
    if way == _ALL:
        return images
    if way == _RANDOM:
        count = st.number_input("How many", 1, len(images), min(10, len(images)), key="test_images.count", width=160)
        return random.sample(images, count)
    return _pick(environment, images)


def _choose_split() -> str:
    name = st.segmented_control("Images of", list(_SPLITS), default=_TEST_SET, required=True, key="test_images.split")
    split = _SPLITS[name]
    st.caption(PURPOSES[split])
    return split


def _pick(environment: Environment, images: Sequence[StagedImage]) -> list[StagedImage]:
    """A gallery with pages; what is ticked stays so on every page of it, and under every class."""
    picked: set[str] = st.session_state.setdefault("test_images.picked", set())
    pages = -(-len(images) // _PAGE)
    number = st.session_state.get("test_images.page", 1)
    shown = images[(number - 1) * _PAGE : number * _PAGE] or images[:_PAGE]
    pictures = reads.read_images(environment, tuple(image.key for image in shown))
    with st.grid(min_column_width=96, gap="small"):
        for image, picture in zip(shown, pictures, strict=True):
            with st.container(gap="xsmall"):
                draw_images([picture], [""], width=80, key=f"pick-{image.key}")
                name = as_words(image.drawn_from or image.label)
                ticked = st.checkbox(name, value=image.key in picked, key=f"test_images.pick.{image.key}")
            (picked.add if ticked else picked.discard)(image.key)
    st.pagination(pages, key="test_images.page")
    return [image for image in images if image.key in picked]
