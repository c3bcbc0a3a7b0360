"""Taking along what the page shows: made when it is asked for."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import streamlit as st

from backend import charts, monitoring
from backend.monitoring import EXPORTED
from pages.monitoring.over_time import time_figure
from pages.monitoring.shown import Shown


def draw_exports(shown: Shown) -> None:
    """The records as CSV and Parquet, the steps of time as CSV, and the chart over time as a page."""
    name = f"captures-{shown.selection.start:%Y%m%dT%H%M%S}-{shown.selection.end:%Y%m%dT%H%M%S}"
    with st.popover("Export", icon=":material/download:", key="monitoring.export"):
        if shown.summary.records > EXPORTED:
            st.caption(f"Of {shown.summary.records:,} records, exports hold the newest {EXPORTED:,}.")
        for label, file, mime, make in (
            ("Records, CSV", f"{name}.csv", "text/csv", partial(_records, shown, "csv")),
            (
                "Records, Parquet",
                f"{name}.parquet",
                "application/vnd.apache.parquet",
                partial(_records, shown, "parquet"),
            ),
            ("Steps of time, CSV", f"{name}-steps.csv", "text/csv", partial(_steps, shown)),
            ("Chart over time, HTML", f"{name}.html", "text/html", partial(_figure, shown)),
        ):
            st.download_button(
                label,
                make,
                file,
                mime,
                key=f"monitoring.export.{file.removeprefix(name)}",
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
            )
        st.caption("The camera above a chart saves it as PNG.")


def _records(shown: Shown, form: Literal["csv", "parquet"]) -> bytes:
    return monitoring.export(shown.environment, shown.source, shown.selection, form)


def _steps(shown: Shown) -> bytes:
    """Each step with a record: its quantiles, its pass rate and the share of each class."""
    shares = shown.summary.class_mix()
    names: dict[Any, str] = {
        index: f"share of {charts.class_label(shown.labels, index)}" for index in map(int, shares.columns[1:])
    }
    steps = shown.summary.over_time(shown.threshold).merge(shares.rename(columns=names), on="time")
    return steps.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ").encode()


def _figure(shown: Shown) -> bytes:
    return charts.as_html(time_figure(shown)).encode()
