"""The deployed workflow: its threshold, its graph and its parts."""

from __future__ import annotations

from datetime import UTC
from functools import partial

import pandas as pd
import streamlit as st

from backend import jobs, workflow
from backend.aws.environment import Environment
from backend.deployment import Endpoint
from backend.staging import OTHER
from backend.wording import enumerated
from backend.workflow import DEFAULT_THRESHOLD, NOT_A_KNOWN_CLASS, Workflow
from pages.shared.environment import action, part
from pages.shared.live import JobName, is_running
from pages.shared.status import draw_status

_THRESHOLD_HELP = "The least confidence that is passed on; an image below it is rejected."


def draw_deployment(environment: Environment, endpoint: Endpoint) -> None:
    """Deploying the workflow where there is none."""
    with st.container(border=True):
        st.markdown(f"Endpoint **{endpoint.name}** tells apart {', '.join(endpoint.labels)}.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            threshold = _choose_threshold(DEFAULT_THRESHOLD)
            busy = is_running(JobName.WORKFLOW)
            if st.button("Deploy workflow", icon=":material/rocket_launch:", type="primary", disabled=busy):
                with action("Deployment started"):
                    _start_deployment(environment, endpoint, threshold)


def draw_workflow(environment: Environment, deployed: Workflow, endpoint: Endpoint | None) -> None:
    """What is deployed, with its threshold to change."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(environment.project, anchor=False, width="content")
            draw_status(deployed.stack_status)
        st.caption(
            f"Endpoint {deployed.endpoint_name}, classes {', '.join(deployed.labels)}  \n"
            f"Notifications go to {deployed.topic_arn}"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            threshold = _choose_threshold(deployed.threshold)
            idle = threshold == deployed.threshold or is_running(JobName.WORKFLOW)
            if st.button("Change threshold", icon=":material/check:", disabled=idle):
                with action("Change started"):
                    work = partial(workflow.update_threshold, environment, threshold)
                    jobs.start(JobName.WORKFLOW, "Changing the threshold", work, "The workflow's threshold is changed.")
            if endpoint is not None:
                _offer_update(environment, deployed, endpoint)
    if endpoint is not None and endpoint.labels != deployed.labels:
        st.warning(
            f"The endpoint now tells apart {', '.join(endpoint.labels)}. Update the workflow, so that it names them.",
            icon=":material/warning:",
        )
    if endpoint is not None and OTHER in endpoint.labels and not deployed.rejects_unknown:
        st.warning(
            f"The endpoint answers {OTHER} for what is not a known class, and this workflow, deployed before there was "
            f"such an answer, may pass it on. Update the workflow, so that it ends as {NOT_A_KNOWN_CLASS}.",
            icon=":material/warning:",
        )
    missing = [function.name for function in deployed.functions if function.is_missing]
    if missing:
        st.error(f"Deleted, though the workflow needs it: Lambda {enumerated(missing)}. {workflow.REBUILD}")
    with part():
        _draw_parts(deployed)


def _choose_threshold(value: float) -> float:
    return st.number_input(
        "Threshold", 0.0, 1.0, value, step=0.01, key=f"workflow.threshold.{value}", help=_THRESHOLD_HELP, width=160
    )


def _offer_update(environment: Environment, deployed: Workflow, endpoint: Endpoint) -> None:
    help_text = "Deploy the endpoint's classes, the Lambdas' code and the definition as they are now."
    if st.button("Update workflow", icon=":material/sync:", help=help_text, disabled=is_running(JobName.WORKFLOW)):
        with action("Update started"):
            _start_deployment(environment, endpoint, deployed.threshold)


def _start_deployment(environment: Environment, endpoint: Endpoint, threshold: float) -> None:
    work = partial(workflow.deploy_workflow, environment, endpoint.name, endpoint.labels, threshold)
    jobs.start(JobName.WORKFLOW, "Deploying the workflow", work, "The workflow is deployed.")


def _draw_parts(deployed: Workflow) -> None:
    graph, many, functions, definition = st.tabs(["Graph", "Graph for many images", "Lambdas", "Definition"])
    graph.graphviz_chart(workflow.workflow_graph(deployed.definition), alt="The states of the workflow")
    if deployed.fan_out is not None:
        many.graphviz_chart(workflow.workflow_graph(deployed.fan_out), alt="The states that many images go through")
    else:
        many.caption("This workflow was deployed before it took many images at once.")
    functions.dataframe(
        pd.DataFrame(
            {
                "Function": function.name,
                "Runtime": function.runtime or "deleted",
                "Memory, MB": function.memory,
                "Timeout, s": function.timeout,
                "Modified, UTC": function.modified_at and function.modified_at.astimezone(UTC),
            }
            for function in deployed.functions
        ),
        hide_index=True,
        height="content",
        column_config={"Modified, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")},
    )
    definition.json(deployed.definition)
