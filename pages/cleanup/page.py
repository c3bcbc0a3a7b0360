"""Everything that this project made, and deleting it."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from backend import cleanup, jobs
from backend.wording import enumerated
from pages.shared import (
    JobName,
    PagePath,
    action,
    confirm,
    current_environment,
    draw_about,
    draw_missing,
    follow_job,
    is_running,
    reads,
)

st.title("Cleanup")
draw_about(PagePath.CLEANUP)
environment = current_environment()
st.markdown("Everything that this project made. On AWS, endpoints cost money for as long as they exist.")
follow_job(JobName.CLEANUP)
resources = reads.list_resources(environment)

if not resources:
    draw_missing("Nothing is left.", PagePath.OVERVIEW)
    st.stop()

frame = pd.DataFrame([{"Kind": item.kind.name, "Name": item.name, "Detail": item.detail} for item in resources])
listed = hash(tuple((item.kind.name, item.name) for item in resources))
selected = st.dataframe(
    frame,
    hide_index=True,
    height="content",
    key=f"cleanup.resources.{listed}",  # a selection goes by row: it must not outlive the list that it was made in
    on_select="rerun",
    selection_mode="multi-row",
    column_config={
        "Kind": st.column_config.Column(width=150),
        "Name": st.column_config.Column(width=260),
        "Detail": st.column_config.Column(width=430),
    },
)
chosen = [resources[row] for row in selected["selection"]["rows"] if row < len(resources)]

with st.container(horizontal=True):
    busy = is_running(JobName.CLEANUP)
    delete_selected = confirm(
        f"Delete {len(chosen)} selected" if chosen else "Delete selected",
        f"Delete {enumerated([str(item) for item in chosen])}? It cannot be undone.",
        key="cleanup.selected",
        disabled=busy or not chosen,
    )
    delete_all = confirm(
        f"Delete all {len(resources)}",
        "Delete everything listed? It cannot be undone.",
        key="cleanup.all",
        disabled=busy,
    )
doomed = resources if delete_all else chosen if delete_selected else []
if doomed:
    with action("Deletion started"):
        jobs.start(JobName.CLEANUP, "Deleting resources", partial(cleanup.delete_resources, environment, doomed))
