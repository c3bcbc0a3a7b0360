"""The sliders of the drift: for the next run, or for the one that is being sent, which every session dials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from backend.aws.environment import Environment
from backend.errors import SconesError
from backend.traffic import MOST_SEVERE, PARAMETERS, Distortion, Drift, LiveRun, live_run, meaning
from backend.wording import as_words
from pages.shared.environment import part
from pages.shared.text import as_text

_FOREIGN = "traffic.foreign"
_SEEN = "traffic.seen"
"""In the session: which run, and which of its drifts, the sliders show."""
_EVEN = 50


def draw_drift(environment: Environment, labels: Sequence[str], *, has_foreign: bool) -> None:
    """Sliders for what is done to images and which are drawn; they act at once on a run that is being sent."""

    @st.fragment
    def sliders() -> None:
        with part():
            _follow(environment, labels)
            with st.expander("Drift", icon=":material/tune:", expanded=True):
                _draw(environment, labels, has_foreign)

    sliders()


def is_shown(run: LiveRun) -> bool:
    """Whether the sliders of this session show the drift of the run: another session may have changed it."""
    return bool(st.session_state.get(_SEEN) == (run.run_id, run.version))


def chosen_drift(labels: Sequence[str]) -> Drift:
    """The drift that the sliders of this session show; raises TrafficNotPossible for weights that are all 0."""
    state = st.session_state
    mix = {label: float(state.get(_mix_key(label), _EVEN)) for label in labels}
    return Drift(
        {kind: float(state.get(_key(kind), 0.0)) for kind in Distortion},
        mix if len(set(mix.values())) > 1 or not any(mix.values()) else {},
        state.get(_FOREIGN, 0) / 100,
    )


def _draw(environment: Environment, labels: Sequence[str], has_foreign: bool) -> None:
    changes: dict[str, Any] = {"on_change": _dial, "args": (environment, labels)}
    with st.grid(4, min_column_width=150, gap="medium"):
        for kind in Distortion:
            with st.container(gap=None):
                steps = "  \n".join(f"{at}: {meaning(kind, at)}" for at in range(1, len(PARAMETERS[kind])))
                severity = st.slider(
                    f"{kind[0].upper()}{kind[1:]}", 0.0, MOST_SEVERE, step=0.5, key=_key(kind), help=steps, **changes
                )
                st.caption(meaning(kind, severity) if severity else "off")
        with st.container(gap=None):
            share = st.slider(
                "Foreign images, %",
                0,
                100,
                key=_FOREIGN,
                disabled=not has_foreign,
                help="Images of no known class: those kept out of every training, else the test images of other.",
                **changes,
            )
            st.caption(f"{share} % of all" if has_foreign else "None are staged")
    st.caption("**Class mix**, of the images that are not foreign")
    weights = {label: st.session_state.setdefault(_mix_key(label), _EVEN) for label in labels}
    with st.grid(4, min_column_width=150, gap="medium"):
        for label in labels:
            with st.container(gap=None):
                st.slider(as_words(label).capitalize(), 0, 100, key=_mix_key(label), **changes)
                total = sum(weights.values())
                st.caption(f"{weights[label] / total:.0%}" if total else "Choose one above 0")


def _dial(environment: Environment, labels: Sequence[str]) -> None:
    """Let the run that is being sent go on with what the sliders show."""
    if (run := live_run(environment)) is None:
        return
    try:
        run.change(chosen_drift(labels))
    except SconesError as error:
        st.toast(as_text(str(error)), icon=":material/error:")
    st.session_state[_SEEN] = (run.run_id, run.version)


def _follow(environment: Environment, labels: Sequence[str]) -> None:
    """Show the drift of the run that is being sent, where another session changed it or the page was left."""
    run = live_run(environment)
    if run is None or (is_shown(run) and _key(Distortion.DARKER) in st.session_state):
        return
    drift, state = run.drift, st.session_state
    state[_SEEN] = (run.run_id, run.version)
    for kind in Distortion:
        state[_key(kind)] = float(drift.severities.get(kind, 0.0))
    for label in labels:
        state[_mix_key(label)] = round(drift.mix.get(label, 0)) if drift.mix else _EVEN
    state[_FOREIGN] = round(100 * drift.foreign)


def _key(kind: Distortion) -> str:
    return f"traffic.severity.{kind.name}"


def _mix_key(label: str) -> str:
    return f"traffic.mix.{label}"
