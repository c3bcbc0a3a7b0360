"""Images that are the same, or nearly: within a split, and between what is learned from and what is tested on."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.aws.environment import Environment
from backend.staging import TEST, TRAIN, VALIDATION, Dataset, Duplicates, Pair
from backend.wording import count_of
from pages.shared import reads
from pages.shared.images import draw_images
from pages.shared.text import as_text

_PAGE = 12  # pairs
_WIDTH = 80  # pixels
_METHOD = (
    "How they are found: both images shrunk to 8 x 8 pixels in color and to 16 x 16 in gray, without their brightness "
    "and contrast, are at most {limit} apart, where 0 is the same and 2 the negative. Saved again, brighter or noisier "
    "copies are found, those cut by a pixel all around mostly; mirrored, shifted or strongly cropped ones are not. "
    "Different things before the same white wall may be taken for copies: look at them. Pictures of nothing are left "
    "out."
)
_WHY = {
    (TRAIN, TEST): (
        "{images} of the test split, {share:.1%}, have a near-duplicate in train. A network may know these by heart, "
        "so an accuracy on the test images says a little more than it will reach on new ones: by at most this share."
    ),
    (TRAIN, VALIDATION): (
        "{images} of the validation split, {share:.1%}, have a near-duplicate in train: what is told of the kept epoch "
        "is a little too good, and the epoch may be chosen too late."
    ),
}


def _named(splits: tuple[str, str]) -> str:
    return f"Within {splits[0]}" if splits[0] == splits[1] else f"{splits[0].capitalize()} and {splits[1]}"


_FIRST = _named((TRAIN, TEST))


def draw_duplicates(environment: Environment, dataset: Dataset) -> None:
    """What was found when the images were staged."""
    st.subheader("Near-duplicates")
    found = reads.read_duplicates(environment, dataset)
    if found is None:
        st.caption("These images were staged by an earlier version. Stage them again to have near-duplicates found.")
        return
    _draw_summary(dataset, found)
    groups = {_named(splits): pairs for splits, pairs in found.by_splits().items()}
    if groups:
        between = st.segmented_control(
            "Between",
            list(groups),
            default=_FIRST if _FIRST in groups else next(iter(groups)),
            required=True,
            format_func=lambda name: f"{name} ({len(groups[name]):,})",
            key="data_staging.between",
        )
        _draw_pairs(environment, dataset, groups[between], between)
    st.caption(_METHOD.format(limit=found.limit))


def _draw_summary(dataset: Dataset, found: Duplicates) -> None:
    exact = sum(pair.is_exact for pair in found.pairs)
    with st.grid(4, min_column_width=150):
        st.metric("Images compared", f"{found.images:,}")
        st.metric("Pairs of the same pixels", f"{exact:,}")
        st.metric("Pairs nearly the same", f"{len(found.pairs) - exact:,}{' or more' if found.is_cut else ''}")
        st.metric("Test images with a twin in train", f"{found.twins(TEST, TRAIN):,}")
    for (of, split), why in _WHY.items():
        twins = found.twins(split, of)
        if split in dataset.splits and twins:
            share = twins / dataset.size(split)
            st.warning(why.format(images=count_of(twins, "image"), share=share), icon=":material/content_copy:")


def _draw_pairs(environment: Environment, dataset: Dataset, pairs: Sequence[Pair], key: str) -> None:
    pages = -(-len(pairs) // _PAGE)
    page_key = f"data_staging.pairs.{dataset.dataset_id}.{key}"
    number = min(st.session_state.get(page_key, 1), pages)
    shown = pairs[(number - 1) * _PAGE : number * _PAGE]
    keys = tuple(f"{dataset.prefix}{path}" for pair in shown for path in (pair.first, pair.second))
    pictures = reads.read_images(environment, keys)
    with st.grid(min_column_width=2 * _WIDTH + 40, gap="small", key="data_staging.twins"):
        for place, pair in enumerate(shown):
            with st.container(border=True, gap="xsmall"):
                draw_images(pictures[2 * place : 2 * place + 2], ["", ""], width=_WIDTH, key=f"twins-{place}")
                st.caption(f"{_distance(pair)}  \n{as_text(pair.first)}  \n{as_text(pair.second)}")
    st.pagination(pages, key=page_key)


def _distance(pair: Pair) -> str:
    return "**The same pixels**" if pair.is_exact else f"**{pair.distance:.2f} apart**"
