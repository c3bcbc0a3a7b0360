"""A second model beside the one that is served: how much it is asked, and whether it stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from backend import deployment
from backend.aws.environment import Environment
from backend.deployment import Endpoint, Variant
from backend.training import Accuracy, TrainingJob
from pages.deployment.following import change_endpoint, is_busy
from pages.deployment.form import choose_model
from pages.shared.text import as_text

_CHALLENGER, _SHADOW = "Challenger", "Shadow"
_MEANINGS = {
    _CHALLENGER: "It answers a share of the requests. The champion, which is served now, answers the rest.",
    _SHADOW: "It is asked copies of a share of the requests, and answers no one: what it says is captured, to compare.",
}


def draw_challenger(
    environment: Environment, endpoint: Endpoint, completed: Sequence[TrainingJob], accuracies: Mapping[str, Accuracy]
) -> None:
    """Ways to put one beside the champion, or to shift its share, to promote and to withdraw it."""
    title = "Two models side by side"
    with st.expander(title, icon=":material/compare_arrows:", expanded=endpoint.challenger is not None):
        if endpoint.challenger is not None:
            _draw_controls(environment, endpoint, endpoint.challenger)
        elif completed:
            _offer(environment, endpoint, completed, accuracies)
        else:
            st.caption("No training job has a model to put beside this one.")


def _offer(
    environment: Environment, endpoint: Endpoint, completed: Sequence[TrainingJob], accuracies: Mapping[str, Accuracy]
) -> None:
    kind = st.segmented_control(
        "The second model is a", list(_MEANINGS), default=_CHALLENGER, required=True, key="deployment.second"
    )
    st.caption(_MEANINGS[kind])
    job = choose_model(completed, accuracies, key="deployment.challenger")
    as_shadow = kind == _SHADOW
    percent = st.slider(
        "Copied requests, %" if as_shadow else "Its requests, %",
        0,
        100,
        100 if as_shadow else 20,
        key=f"deployment.share.{kind}",
    )
    st.caption("It runs on machines like the champion's, which cost as much again on AWS. Monitoring tells them apart.")
    if st.button(f"Add {kind.lower()}", icon=":material/add:", type="primary", disabled=is_busy(endpoint)):
        add = partial(deployment.add_challenger, environment, job, percent / 100, as_shadow=as_shadow)
        change_endpoint(environment, add, f"Adding the {kind.lower()}", f"The {kind.lower()} is beside the champion.")


def _draw_controls(environment: Environment, endpoint: Endpoint, second: Variant) -> None:
    kind = _SHADOW if second.is_shadow else _CHALLENGER
    st.caption(f"{_MEANINGS[kind]} {as_text(f'In Monitoring it is variant {second.name}.')}")
    wanted = round(100 * (endpoint.share(second, desired=True) or 0.0))
    percent = st.slider(
        "Copied requests, %" if second.is_shadow else "Requests of the challenger, %",
        0,
        100,
        wanted,
        key=f"deployment.shift.{second.name}.{wanted}",
    )
    busy = is_busy(endpoint)
    with st.container(horizontal=True):
        if st.button("Set share", icon=":material/tune:", disabled=busy or percent == wanted):
            change = partial(deployment.set_share, environment, percent / 100)
            change_endpoint(environment, change, "Changing the share", f"The {kind.lower()} has {percent} %.")
        if st.button("Promote", icon=":material/trending_up:", type="primary", disabled=busy):
            change = partial(deployment.promote, environment)
            change_endpoint(environment, change, f"Promoting the {kind.lower()}", f"The {kind.lower()} serves alone.")
        if st.button("Withdraw", icon=":material/undo:", disabled=busy):
            change = partial(deployment.withdraw, environment)
            change_endpoint(environment, change, f"Withdrawing the {kind.lower()}", "The champion serves alone.")
