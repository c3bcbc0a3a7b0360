"""Choosing images and sending them through the workflow."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import streamlit as st

from backend import workflow
from backend.aws.environment import Environment
from backend.errors import InvalidImage
from backend.examples import Example
from backend.staging import FOREIGN, OTHER, PURPOSES, TEST, Dataset, StagedImage, describe_other
from backend.staging.upright import make_showable
from backend.wording import as_words, count_of
from backend.workflow.uploads import MAX_UPLOAD_MB, MAX_WORKFLOW_BYTES
from pages.shared import draw_code, reads
from pages.shared.images import draw_images
from pages.shared.live import JobName, is_running
from pages.shared.text import as_text
from pages.test_images.sending import send

_RANDOM, _BY_HAND, _ALL, _UPLOAD = "Random", "By hand", "All", "Upload"
_TEST_SET = "Test set"
_SPLITS = {_TEST_SET: TEST, "Foreign images": FOREIGN}
_PAGE = 24  # images, on a page of the gallery
_WIDTH = 80


def draw_submission(environment: Environment, dataset: Dataset | None) -> None:
    """Ways to choose images, of the test set or one's own, and the button that submits them."""
    ways = [_RANDOM, _BY_HAND, _ALL, _UPLOAD] if dataset else [_UPLOAD]
    head = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
    with head:
        way = st.segmented_control(
            "Choose images", ways, default=ways[0], required=True, key="test_images.way", width="content"
        )
    if way == _UPLOAD or dataset is None:
        files = _choose_files()
        with head:
            contents = [(file.name, file.getvalue()) for file in files]
            _submit(len(files), environment, workflow.submit_uploads, contents)
        return
    images, title = _choose_staged(environment, dataset, way)
    with head:
        _submit(len(images), environment, workflow.submit_images, [image.key for image in images], title)
    if images:
        draw_code(environment, Example.SUBMISSION, {"image": images[0].key})


def _choose_files() -> Sequence[Any]:
    """The files that a person hands in, shown small."""
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
    _preview(files[:_PAGE])
    return files


def _submit(count: int, environment: Environment, work: Any, *arguments: Any) -> None:
    st.button(
        f"Submit {count_of(count, 'image')}" if count else "Submit images",
        key="test_images.submit",
        icon=":material/send:",
        type="primary",
        disabled=count == 0 or is_running(JobName.TEST_IMAGES),
        on_click=send,
        args=(environment, work, *arguments),
    )


def _choose_staged(environment: Environment, dataset: Dataset, way: str) -> tuple[Sequence[StagedImage], str]:
    """The chosen images, of the test split or of those of classes that were kept out, and which they are in words."""
    split = _choose_split() if FOREIGN in dataset.splits else TEST
    images = reads.list_images(environment, dataset, split)
    label = _choose_class(dataset, split, images)
    images = [image for image in images if label in (None, _class_of(image))]
    source = f"{'foreign' if split == FOREIGN else 'test'} images" + (f" of {as_words(label)}" if label else "")
    if any(image.label == OTHER for image in images):
        st.caption(f"{as_text(describe_other(dataset))} Such an image is right where it ends as not a known class.")
    if way == _ALL:
        return images, f"All {source}"
    if way == _RANDOM:
        return _draw(environment, images, f"{dataset.dataset_id} {source}"), f"Random {source}"
    return _pick(environment, images), f"Some {source}, picked by hand"


def _choose_split() -> str:
    name = st.segmented_control("Images of", list(_SPLITS), default=_TEST_SET, required=True, key="test_images.split")
    split = _SPLITS[name]
    st.caption(PURPOSES[split])
    return split


def _choose_class(dataset: Dataset, split: str, images: Sequence[StagedImage]) -> str | None:
    """A class to choose from; None is all. Foreign images are all of class `other`: there it is what they show."""
    if split == TEST:
        return st.pills("Class", dataset.labels, format_func=as_words, key="test_images.label", help="None: all.")
    classes = sorted({_class_of(image) for image in images})
    return st.pills("Class", classes, format_func=as_words, key="test_images.foreign_class", help="None: all.")


def _class_of(image: StagedImage) -> str:
    return image.label if image.split == TEST else image.drawn_from or image.label


def _draw(environment: Environment, images: Sequence[StagedImage], source: str) -> list[StagedImage]:
    """Random images; they stay until a person draws anew, or wants others."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = st.number_input("How many", 1, len(images), min(10, len(images)), key="test_images.count", width=160)
        again = st.button("Draw anew", key="test_images.draw", icon=":material/casino:")
    wanted, keys = st.session_state.get("test_images.drawn", (None, ()))
    if again or wanted != (source, count):
        keys = tuple(image.key for image in random.sample(images, count))
        st.session_state["test_images.drawn"] = (source, count), keys
    by_key = {image.key: image for image in images}
    drawn = [by_key[key] for key in keys if key in by_key]
    shown = drawn[:_PAGE]
    pictures = reads.read_images(environment, tuple(image.key for image in shown))
    draw_images(pictures, [as_words(_named(image)) for image in shown], width=_WIDTH, key="drawn")
    if len(drawn) > _PAGE:
        st.caption(f"And {len(drawn) - _PAGE:,} more.")
    return drawn


def _named(image: StagedImage) -> str:
    return image.drawn_from or image.label


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
                draw_images([picture], [""], width=_WIDTH, key=f"pick-{image.key}")
                key = f"test_images.pick.{image.key}"
                ticked = st.checkbox(as_words(_named(image)), value=image.key in picked, key=key)
            (picked.add if ticked else picked.discard)(image.key)
    st.pagination(pages, key="test_images.page")
    return [image for image in images if image.key in picked]


def _preview(files: Sequence[Any]) -> None:
    """The first of the files, small; what is no image is named."""
    kept: dict[str, bytes | str] = st.session_state.setdefault("test_images.previews", {})
    for gone in kept.keys() - {file.file_id for file in files}:
        del kept[gone]
    for file in files:
        if file.file_id not in kept:
            try:
                kept[file.file_id] = make_showable(file.getvalue(), 2 * _WIDTH)
            except InvalidImage as error:
                kept[file.file_id] = str(error)
    pictures = {file.name: kept[file.file_id] for file in files}
    shown = {name: picture for name, picture in pictures.items() if isinstance(picture, bytes)}
    if shown:
        draw_images(list(shown.values()), [as_text(name) for name in shown], width=_WIDTH, key="uploads")
    for name, picture in pictures.items():
        if isinstance(picture, str):
            st.caption(f":material/warning: {as_text(name)}: {as_text(picture)}")
