"""The sliders of the drift: for the next run, or for the one that is being sent, which every session dials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import streamlit as st

from backend.aws.environment import Environment
from backend.errors import SconesError
from backend.traffic import MOST_SEVERE, PARAMETERS, Distortion, Drift, LiveRun, live_run, meaning
from backend.wording import as_words
from pages.shared.environment import part
from pages.shared.text import as_text

_DIALS: Final = "traffic.dials"
_EVEN: Final = 50


@dataclass(frozen=True)
class _Dials:
    """What the sliders of this session began with, and which run, and which of its drifts, they show.

    Another `epoch` has sliders of other keys: what a browser still says of those before is not taken for a click.
    """

    epoch: int = 0
    drift: Drift = field(default_factory=Drift)
    shown: tuple[str, int] | None = None

    def severity_key(self, kind: Distortion) -> str:
        return f"traffic.{kind.name.lower()}.{self.epoch}"

    def mix_key(self, label: str) -> str:
        return f"traffic.mix.{label}.{self.epoch}"

    @property
    def foreign_key(self) -> str:
        return f"traffic.foreign.{self.epoch}"

    def weight(self, label: str) -> int:
        return round(self.drift.mix.get(label, 0)) if self.drift.mix else _EVEN

    def chosen(self, labels: Sequence[str]) -> Drift:
        """The drift that the sliders show; raises TrafficNotPossible for weights that are all 0."""
        state = st.session_state
        mix = {label: float(state.get(self.mix_key(label), self.weight(label))) for label in labels}
        severities = {
            kind: float(state.get(self.severity_key(kind), self.drift.severities.get(kind, 0))) for kind in Distortion
        }
        is_even = len(set(mix.values())) == 1 and any(mix.values())
        return Drift(severities, {} if is_even else mix, state.get(self.foreign_key, self.drift.foreign * 100) / 100)


def draw_drift(environment: Environment, labels: Sequence[str], *, has_foreign: bool) -> None:
    """Sliders for what is done to images and which are drawn; they act at once on a run that is being sent."""

    @st.fragment
    def sliders() -> None:
        with part():
            _follow(environment)
            with st.expander("Drift", icon=":material/tune:", expanded=True):
                _draw(environment, labels, has_foreign)

    sliders()


def is_shown(run: LiveRun) -> bool:
    """Whether the sliders of this session show the drift of the run: another session may have changed it."""
    return _dials().shown == (run.run_id, run.version)


def chosen_drift(labels: Sequence[str]) -> Drift:
    """The drift that the sliders of this session show; raises TrafficNotPossible for weights that are all 0."""
    return _dials().chosen(labels)


def _dials() -> _Dials:
    dials: _Dials = st.session_state.setdefault(_DIALS, _Dials())
    return dials


def _draw(environment: Environment, labels: Sequence[str], has_foreign: bool) -> None:
    dials = _dials()
    options: dict[str, Any] = {"on_change": _dial, "args": (environment, labels), "persist_state": "session"}
    with st.grid(4, min_column_width=150, gap="medium"):
        for kind in Distortion:
            with st.container(gap="xsmall"):
                severity = st.slider(
                    f"{kind[0].upper()}{kind[1:]}",
                    0.0,
                    MOST_SEVERE,
                    dials.drift.severities.get(kind, 0.0),
                    step=0.5,
                    format="%.1f",
                    key=dials.severity_key(kind),
                    help="  \n".join(f"{at}: {meaning(kind, at)}" for at in range(1, len(PARAMETERS[kind]))),
                    **options,
                )
                st.caption(meaning(kind, severity) if severity else "off")
        with st.container(gap="xsmall"):
            share = st.slider(
                "Foreign images, %",
                0,
                100,
                round(100 * dials.drift.foreign),
                key=dials.foreign_key,
                disabled=not has_foreign,
                help="Images of no known class: those kept out of every training, else the test images of other.",
                **options,
            )
            st.caption(f"{share} % of all" if has_foreign else "None are staged")
    st.caption("**Class mix**, of the images that are not foreign")
    with st.grid(4, min_column_width=150, gap="medium"):
        places = []
        for label in labels:
            with st.container(gap="xsmall"):
                weight = st.slider(
                    as_words(label).capitalize(), 0, 100, dials.weight(label), key=dials.mix_key(label), **options
                )
                places.append((st.empty(), weight))
    total = sum(weight for _, weight in places)
    for place, weight in places:
        place.caption(f"{weight / total:.0%}" if total else "Choose one above 0")


def _dial(environment: Environment, labels: Sequence[str]) -> None:
    """Let the run that is being sent go on with what the sliders show."""
    if (run := live_run(environment)) is None:
        return
    try:
        run.change(chosen_drift(labels))
    except SconesError as error:
        st.toast(as_text(str(error)), icon=":material/error:")
    st.session_state[_DIALS] = replace(_dials(), shown=(run.run_id, run.version))


def _follow(environment: Environment) -> None:
    """Show the drift of the run that is being sent, where another session changed it."""
    run = live_run(environment)
    if run is not None and not is_shown(run):
        version, drift = run.version, run.drift
        st.session_state[_DIALS] = _Dials(_dials().epoch + 1, drift, (run.run_id, version))
