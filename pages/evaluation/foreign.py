"""What passes though it is of no known class."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend.aws.environment import Environment
from backend.evaluation import Evaluation, foreign_groups
from pages.evaluation.words import draw_pictures
from pages.shared.environment import part
from pages.shared.text import as_text


def draw_foreign(environment: Environment, shown: Evaluation, threshold: float) -> None:
    """How many foreign images of each kind pass at this threshold, and which."""
    groups = foreign_groups(shown, threshold)
    if not groups:
        st.info(
            "No foreign images were evaluated. Stage the dataset with a class for anything else, of which some classes "
            "are kept out of training, or give a folder of pictures above.",
            icon=":material/info:",
        )
        return
    st.markdown(
        f"**What passes at the threshold {threshold:g} though it should not.** Each of these images is of no known "
        "class and should be answered “other” or stay below the threshold. Only kinds that training has not seen "
        "tell what happens to the unknown."
    )
    st.dataframe(
        pd.DataFrame(
            {
                "Images": group.title,
                "Seen in training": "its kind" if group.was_trained_on else "no",
                "Evaluated": group.passed.total,
                "Pass": group.passed.count,
                "Share": 100 * (group.passed.share or 0),
                "95 % interval": "{:.1%} to {:.1%}".format(*group.passed.interval),
            }
            for group in groups
        ),
        hide_index=True,
        height="content",
        key="evaluation.foreign",
        column_config={"Share": st.column_config.NumberColumn(format="%.1f %%")},
    )
    for number, group in enumerate(groups):
        if group.passing:
            with st.expander(f"{group.title}: the {len(group.passing):,} that pass"), part():
                if len(group.by_kind) > 1:
                    kinds = [
                        f"{kind.replace('_', ' ')} {of.count} of {of.total}" for kind, of in group.by_kind if of.count
                    ]
                    st.caption(as_text(f"{', '.join(kinds)}."))
                draw_pictures(environment, shown, group.passing, f"evaluation-foreign-{number}")
