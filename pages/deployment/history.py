"""What the endpoint served before, and the way back to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from functools import partial

import pandas as pd
import streamlit as st

from backend import deployment
from backend.aws.environment import Environment
from backend.deployment import MOST_LISTED, Configuration, Endpoint, Variant
from pages.deployment.endpoint import in_percent
from pages.deployment.following import change_endpoint, is_busy
from pages.shared.rows import choose_row


def draw_history(environment: Environment, endpoint: Endpoint | None, configurations: Sequence[Configuration]) -> None:
    """A table of the endpoint configurations that the project made, newest first; the selected one can serve again."""
    current = endpoint.endpoint_config if endpoint else None
    with st.expander("Earlier configurations", icon=":material/history:", key="deployment.history"):
        chosen = choose_row(
            pd.DataFrame([_row(item, current) for item in configurations]),
            configurations,
            height="content",
            key=f"deployment.configurations.{configurations[0].name}",
            column_config={
                "Current": st.column_config.CheckboxColumn(width=70),
                "Made, UTC": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            },
        )
        if len(configurations) == MOST_LISTED:
            st.caption(f"The newest {MOST_LISTED}. Cleanup has all of them.")
        _offer(environment, endpoint, chosen, is_current=chosen.name == current)


def _offer(environment: Environment, endpoint: Endpoint | None, chosen: Configuration, *, is_current: bool) -> None:
    if not chosen.can_serve:
        st.caption("A model of this configuration was deleted: it cannot serve again. Select another one.")
    elif is_current and endpoint is not None and endpoint.status != "Failed":
        st.caption("The endpoint serves from this configuration. Select another one to go back to it.")
    elif st.button("Roll back to this", icon=":material/history:", disabled=is_busy(endpoint)):
        change = partial(deployment.roll_back, environment, chosen.name)
        change_endpoint(environment, change, "Rolling back", f"The endpoint serves from {chosen.name} again.")


def _row(item: Configuration, current: str | None) -> dict[str, object]:
    return {
        "Current": item.name == current,
        "Configuration": item.name,
        "Made, UTC": item.created_at.astimezone(UTC),
        "Model of training job": ", ".join(_model(item, variant) for variant in item.variants),
        "Machines": ", ".join(f"{variant.instance_count} x {variant.instance_type}" for variant in item.variants),
    }


def _model(item: Configuration, variant: Variant) -> str:
    named = variant.origin.training_job or (f"{variant.model} (unknown)" if variant.origin.artifact else "deleted")
    if len(item.variants) == 1:
        return named
    return f"{named} ({in_percent(item.share(variant))}{' as shadow' if variant.is_shadow else ''})"
