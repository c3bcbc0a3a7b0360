"""Tables of which rows are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import pandas as pd
import streamlit as st

_T = TypeVar("_T")


def choose_row(frame: pd.DataFrame, items: Sequence[_T], *, key: str, **options: Any) -> _T:
    """A table with a row for each of the items, one or more; the one whose row is selected, the first at first.

    A selection goes by row: the key is to change with the first item, as a new one moves the rows.
    """
    [row, *_] = _choose(frame, "single-row", key, options) or [0]
    return items[row if row < len(items) else 0]


def choose_rows(frame: pd.DataFrame, items: Sequence[_T], *, key: str, **options: Any) -> list[_T]:
    """As `choose_row`, of which several can be selected, in the order of the table."""
    rows = _choose(frame, "multi-row", key, options)
    return [items[row] for row in sorted(rows) if row < len(items)] or [items[0]]


def _choose(
    frame: pd.DataFrame, mode: Literal["single-row", "multi-row"], key: str, options: Mapping[str, Any]
) -> list[int]:
    chosen = st.dataframe(
        frame, hide_index=True, key=key, on_select="rerun", selection_mode=mode, placeholder="-", **options
    )
    return chosen["selection"]["rows"]
