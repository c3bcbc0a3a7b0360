"""The staged images, by split and class, in pages; each opens in detail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from backend.aws.environment import Environment
from backend.staging import OTHER, PURPOSES, TEST, VALIDATION, Dataset, StagedImage
from backend.wording import as_words, count_of
from pages.data_staging.image import open_image
from pages.shared import reads
from pages.shared.images import draw_images

_PAGE = 40  # images
_WIDTH = 80  # pixels
_TEST_OF_EARLIER = (
    "On these the epoch is chosen that is kept, and accuracy is told: staged by an earlier version, without images for "
    "validation. Stage the images again for three splits."
)


def draw_gallery(environment: Environment, dataset: Dataset) -> None:
    """The images of a split, of one class or of all."""
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.subheader("Staged images", width="content")
        splits = dataset.splits
        split = st.segmented_control("Split", splits, default=splits[0], required=True, key="data_staging.split")
    st.caption(_purpose(dataset, split))
    images = reads.list_images(environment, dataset, split)
    label = st.pills(
        "Class",
        [label for label in dataset.labels if dataset.counts[split].get(label)],
        format_func=as_words,
        key=f"data_staging.label.{split}",
        help="None: all.",
    )
    _draw_grid(environment, dataset, _of_class(images, label), f"{split}.{label}")


def _of_class(images: Sequence[StagedImage], label: str | None) -> list[StagedImage]:
    """The images of a class, or of all classes in turns; those of `other` in turns of what they are."""
    kinds = _in_turns([image for image in images if image.label == OTHER], lambda image: image.drawn_from or "")
    known = [image for image in images if image.label != OTHER]
    if label is None:
        return _in_turns([*known, *kinds], lambda image: f"{image.label_index:03}")
    return kinds if label == OTHER else [image for image in known if image.label == label]


def _in_turns(images: Iterable[StagedImage], kind: Callable[[StagedImage], str]) -> list[StagedImage]:
    """The first of each kind, then the second ones, and so on."""
    seen: Counter[str] = Counter()
    turns = []
    for image in images:
        turns.append((seen[kind(image)], kind(image), image))
        seen[kind(image)] += 1
    return [image for *_, image in sorted(turns, key=lambda turn: turn[:2])]


def _draw_grid(environment: Environment, dataset: Dataset, images: Sequence[StagedImage], key: str) -> None:
    pages = max(1, -(-len(images) // _PAGE))
    page_key = f"data_staging.page.{dataset.dataset_id}.{key}"
    number = min(st.session_state.get(page_key, 1), pages)
    shown = images[(number - 1) * _PAGE : number * _PAGE]
    pictures = reads.read_images(environment, tuple(image.key for image in shown))
    with st.grid(min_column_width=_WIDTH + 8, gap="small", key="data_staging.grid"):
        for place, (image, picture) in enumerate(zip(shown, pictures, strict=True), start=(number - 1) * _PAGE):
            with st.container(gap=None):
                draw_images([picture], [""], width=_WIDTH, key=f"staged-{place}")
                named = as_words(image.drawn_from or image.label)
                if st.button(named, key=f"data_staging.open.{place}", type="tertiary"):
                    open_image(environment, dataset, images, place)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.pagination(pages, key=page_key)
        st.caption(count_of(len(images), "image"), width="content")


def _purpose(dataset: Dataset, split: str) -> str:
    """What a split is for; datasets of earlier versions are validated on their test images."""
    if split == TEST and VALIDATION not in dataset.splits:
        return _TEST_OF_EARLIER
    return PURPOSES[split]
