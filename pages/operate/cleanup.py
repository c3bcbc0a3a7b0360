"""Everything that this project made, and deleting it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from backend import cleanup, jobs
from pages.components import action, confirm, current_environment, draw_missing, follow_job, is_running, reads

JOB = "cleanup"

st.title("Cleanup")
environment = current_environment()
resources = reads.list_resources(environment)

st.markdown("Everything that this project made. On AWS, endpoints cost money for as long as they exist.")
follow_job(JOB)

if not resources:
    draw_missing("Nothing is left.", "pages/build/overview.py")
    st.stop()

frame = pd.DataFrame([{"Kind": item.kind, "Name": item.name, "Detail": item.detail} for item in resources])
selected = st.dataframe(
    frame,
    hide_index=True,
    height="content",
    key="cleanup.resources",
    on_select="rerun",
    selection_mode="multi-row",
    column_config={
        "Kind": st.column_config.Column(width="small"),
        "Name": st.column_config.Column(width="medium"),
        "Detail": st.column_config.Column(width="medium"),
    },
)
chosen = [resources[row] for row in selected["selection"]["rows"] if row < len(resources)]

with st.container(horizontal=True):
    busy = is_running(JOB)
    delete_selected = confirm(
        f"Delete {len(chosen)} selected",
        "Delete what is selected? It cannot be undone.",
        key="cleanup.selected",
        disabled=busy or not chosen,
    )
    delete_all = confirm(
        f"Delete all {len(resources)}",
        "Delete everything listed? It cannot be undone.",
        key="cleanup.all",
        disabled=busy,
    )
if delete_selected or delete_all:
    with action("Deleting"):
        doomed = resources if delete_all else chosen
        jobs.start(JOB, "Deleting resources", cleanup.delete_resources, environment, doomed)
