"""Choosing whether the pictures that people labelled are learned from too."""

from __future__ import annotations

from functools import partial

import streamlit as st

from backend import review
from backend.aws.environment import Environment
from backend.staging import Reviewed
from backend.wording import as_words, enumerated
from pages.shared import reads
from pages.shared.text import as_text

_ABOUT = (
    "Captured pictures whose class a person told on the Review page, added to the images that the network learns from "
    "and to no others. Those sent from a test split are left out: a model must not be tested on what it learned."
)


def choose_reviewed(environment: Environment) -> Reviewed:
    """What reads the pictures to be added, once the staging begins; nothing is shown while there are none."""
    counts = reads.count_reviewed(environment)
    if not counts:
        return tuple
    by_label = enumerated([f"{count:,} {as_words(label)}" for label, count in sorted(counts.items())])
    is_wanted = st.toggle("Reviewed pictures", key="data_staging.reviewed", persist_state="session")
    st.caption(f"{_ABOUT} Labelled until now: {as_text(by_label)}.")
    return partial(review.read_known, environment) if is_wanted else tuple
