"""The lines that do the same as a page without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from backend.aws.environment import Environment
from backend.examples import Example, Place, example_code

_PLACES = {Place.EMBEDDED: "The embedded AWS", Place.AWS: "An AWS account"}


def draw_code(environment: Environment, example: Example, values: Mapping[str, Any]) -> None:
    """A fold with a step as a script, for either place; `values` by the names that the script assigns."""
    fold = st.expander(
        "Show the code", icon=":material/code:", type="compact", key=f"code.{example}", on_change="rerun"
    )
    if not fold.open:
        return
    with fold:
        st.caption(
            "The same with boto3, in a script or a notebook: run it in the project's folder, with the project's Python."
        )
        place = st.segmented_control(
            "Where it runs",
            list(_PLACES),
            default=Place.AWS if environment.has_console else Place.EMBEDDED,
            format_func=_PLACES.__getitem__,
            required=True,
            key=f"code.{example}.place",
            label_visibility="collapsed",
        )
        st.code(example_code(environment, example, place, values), language="python", height=420)
