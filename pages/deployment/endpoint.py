"""The endpoint: its status, the models that answer now, where they came from, and taking it away."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from backend import deployment, jobs
from backend.aws.environment import Environment
from backend.deployment import Endpoint, Variant
from backend.prices import hourly_price
from pages.deployment.lineage import draw_lineage
from pages.shared.confirm import confirm
from pages.shared.environment import action
from pages.shared.live import JobName, is_running
from pages.shared.status import draw_status
from pages.shared.text import as_text
from pages.shared.times import format_time


def draw_endpoint(environment: Environment) -> bool:
    """The endpoint, read anew; returns whether it is changing."""
    endpoint = deployment.describe_endpoint(environment)
    if endpoint is None:
        return False
    with st.container(border=True):
        _draw_head(environment, endpoint)
        if endpoint.failure_reason:
            said = f"The last change was taken back: {endpoint.failure_reason}"
            st.error(as_text(said if endpoint.in_service else endpoint.failure_reason), icon=":material/error:")
        if len(endpoint.variants) > 1:
            _draw_variants(endpoint)
        draw_lineage(environment, endpoint)
    return endpoint.is_changing


def role(endpoint: Endpoint, variant: Variant) -> str:
    """What a variant is at the endpoint."""
    if variant == endpoint.champion:
        return "Champion"
    if variant.model is None:
        return "Leaving"
    return "Shadow" if variant.is_shadow else "Challenger"


def in_percent(share: float | None) -> str:
    """A share of the requests; a dash for none."""
    return "-" if share is None else f"{100 * share:.3g} %"


def _draw_head(environment: Environment, endpoint: Endpoint) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(endpoint.name, anchor=False, width="content")
            draw_status(endpoint.status)
        if not endpoint.is_changing:
            _offer_deletion(environment, endpoint)
    classes = f"classes {', '.join(endpoint.labels) or 'unknown'}"
    machines = [_machines(variant) for variant in endpoint.variants]
    st.caption(f"{'; '.join(machines)}, {classes}, changed {format_time(endpoint.modified_at)}".replace("$", "\\$"))


def _machines(variant: Variant) -> str:
    if variant.instance_type is None or variant.instance_count is None:
        return f"machines of {variant.name} unknown"
    price = hourly_price(variant.instance_type, variant.instance_count)
    return f"{variant.instance_count} x {variant.instance_type}" + (f" ({price} on AWS)" if price else "")


def _offer_deletion(environment: Environment, endpoint: Endpoint) -> None:
    question = (
        f"Delete endpoint {endpoint.name}? Training jobs and their models' artifacts stay, and earlier endpoint "
        "configurations, from which it can be served again."
    )
    if confirm("Delete endpoint", question, key="deployment.delete", disabled=is_running(JobName.DEPLOYMENT)):
        with action("Deletion started"):
            work = partial(deployment.delete_endpoint, environment)
            jobs.start(JobName.DEPLOYMENT, "Deleting the endpoint", work, "The endpoint is deleted.")


def _draw_variants(endpoint: Endpoint) -> None:
    """Who answers which share of the requests now, and is to."""
    rows = [
        {
            "Role": role(endpoint, variant),
            "Variant": variant.name,
            "Model of training job": variant.origin.training_job or variant.model or "unknown",
            "Requests now": in_percent(endpoint.share(variant)),
            "Wanted": in_percent(endpoint.share(variant, desired=True)),
        }
        for variant in endpoint.variants
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", key="deployment.variants")
    if any(variant.is_shadow for variant in endpoint.variants):
        st.caption(
            "A shadow is asked copies of that share of the requests; its answers are captured, and never returned."
        )
