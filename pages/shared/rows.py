"""Tables of which one row is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

_T = TypeVar("_T")


def choose_row(frame: pd.DataFrame, items: Sequence[_T], *, key: str, **options: Any) -> _T:
    """A table with a row for each of the items, one or more; the one whose row is selected, the first at first.

    A selection goes by row: the key is to change with the first item, as a new one moves the rows.
    """
    selected = st.dataframe(
        frame, hide_index=True, key=key, on_select="rerun", selection_mode="single-row", placeholder="-", **options
    )["selection"]["rows"]
    return items[selected[0] if selected and selected[0] < len(items) else 0]
