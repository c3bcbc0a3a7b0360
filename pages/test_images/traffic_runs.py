"""Runs of traffic that have ended, and the figures of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import pandas as pd
import streamlit as st

from backend import charts, traffic
from backend.aws.environment import Environment
from backend.traffic import Load, Sent, TrafficRun
from backend.wording import as_words
from pages.shared import PagePath, reads
from pages.shared.rows import choose_row
from pages.shared.text import as_text

_CUT_OFF = "cut off, or sent by another app"


def draw_runs(environment: Environment) -> None:
    """The runs of the project as a table, and what the one that is selected has sent; the newest at first."""
    runs = reads.list_traffic_runs(environment)
    if not runs:
        return
    st.markdown("**Earlier runs**")
    run = choose_row(
        pd.DataFrame([_row(run) for run in runs]),
        runs,
        height=min(35 * (len(runs) + 1) + 3, 220),
        key=f"traffic.runs.{runs[0].run_id}",
        column_config={"Started, UTC": st.column_config.DatetimeColumn(format="MM-DD HH:mm:ss")},
    )
    _draw_run(run, reads.read_sent_traffic(environment, run.keys))


def draw_figures(rows: Sequence[Sent], load: Load, started_at: datetime, until: float, *, key: str) -> None:
    """What was sent over time, and how it ended by true class."""
    end = started_at + timedelta(seconds=load.seconds)
    changes = traffic.drift_changes(rows)
    marks = [
        (started_at + timedelta(seconds=due), drift.describe())
        for at, (due, drift) in enumerate(changes)
        if at or not drift.is_none
    ]
    figure = charts.sent_over_time(
        traffic.by_step(rows, load, started_at, until), traffic.step_of(load), marks, (started_at, end)
    )
    st.plotly_chart(figure, key=f"traffic.chart.{key}", alt="Images sent over time")
    table = traffic.by_class(rows)
    if not table.empty:
        table["label"] = table["label"].map(as_words)
        table.columns = pd.Index([name.capitalize() for name in table.columns])
        st.dataframe(table.rename(columns={"Label": "True class"}), hide_index=True, height="content")


def _draw_run(run: TrafficRun, rows: Sequence[Sent]) -> None:
    until = (run.ended_at - run.started_at).total_seconds() if run.ended_at else run.plan.load.seconds
    totals = traffic.totals(rows)
    with st.container(border=True):
        st.markdown(as_text(totals.describe()))
        if totals.unsure:
            st.caption(f"Of {totals.unsure:,} more the app did not live to say whether they were sent.")
        draw_figures(rows, run.plan.load, run.started_at, until, key=run.run_id)
        reasons = sorted({row.reason for row in rows if row.reason})
        for reason in reasons[:3]:
            st.caption(f":material/error: {as_text(reason)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            window = (run.started_at, run.started_at + timedelta(seconds=until + 60))
            start, end = (f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for time in window)
            st.page_link(
                PagePath.MONITORING,
                label="See it in Monitoring",
                icon=":material/monitoring:",
                query_params={"from": start, "to": end},
            )
            st.download_button(
                "What was sent, as CSV",
                partial(_csv, rows),
                f"traffic-{run.run_id}.csv",
                "text/csv",
                key=f"traffic.csv.{run.run_id}",
                icon=":material/download:",
                on_click="ignore",
            )


def _row(run: TrafficRun) -> dict[str, object]:
    load, totals = run.plan.load, run.totals
    known = run.ending is not None
    return {
        "Started, UTC": run.started_at.astimezone(UTC),
        "Pattern": str(load.pattern),
        "Images a second": round(load.rate, 3),
        "Minutes": round(load.seconds / 60, 1),
        "Drift at first": run.plan.drift.describe(),
        "Sent": totals.started if known else None,
        "Late": totals.late if known else None,
        "Not started": totals.not_started if known else None,
        "Right": totals.right if known else None,
        "Wrong": totals.wrong if known else None,
        "Ended": run.ending or _CUT_OFF,
    }


def _csv(rows: Sequence[Sent]) -> bytes:
    """Each image with its true class and what was done to it."""
    frame = pd.DataFrame(
        {
            "number": row.number,
            "inference_id": row.inference_id,
            "due_seconds": row.due,
            "true_class": row.label,
            "status": str(row.status),
            "late_seconds": row.late,
            "outcome": row.outcome,
            "right": row.is_right,
            **{str(kind): row.drift.severities.get(kind, 0.0) for kind in traffic.Distortion},
            "foreign_share": row.drift.foreign,
            "key": row.key,
            "staged_key": row.staged_key,
        }
        for row in rows
    )
    return frame.to_csv(index=False).encode()
