"""Choosing a threshold: what each buys, one that keeps a promise, and handing it to the workflow."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from backend import charts, jobs, workflow
from backend.aws.environment import Environment
from backend.evaluation import Candidates, Evaluation, Passed, foreign_groups, threshold
from backend.review import Counting
from backend.wording import count_of
from backend.workflow import DEFAULT_THRESHOLD, Workflow
from pages.shared import reads
from pages.shared.answered import STILL, percent
from pages.shared.environment import action, part
from pages.shared.live import JobName, is_running
from pages.shared.missing import draw_missing
from pages.shared.paths import PagePath

_CHOSEN = "evaluation.threshold"
_ABOUT = (
    "The promise is about images like the known ones that are counted here. Foreign images that pass come on top of "
    "it: the tab Foreign images counts them."
)


def draw_threshold(environment: Environment, shown: Evaluation, deployed: Workflow | None) -> None:
    """The promise, what is there already, the curve and the costs."""
    candidates = _counted(environment, shown)
    with part():
        promised = _draw_promise(candidates)
    with part():
        _draw_fixed(shown, candidates, deployed)
    with part():
        _draw_curve(shown, candidates, deployed, promised)
    with part():
        _draw_costs(shown, candidates)


def _counted(environment: Environment, shown: Evaluation) -> Candidates:
    """The test set's, and the labelled records that count beside them, which is said."""
    own = Candidates.of(shown)
    with part():
        found = reads.labelled_candidates(environment, shown.job)
        if found is not None and found.candidates.images:
            st.caption(_counted_in_words(own, found))
            return own.joined(found.candidates)
    return own


def _counted_in_words(own: Candidates, found: Counting) -> str:
    passed_over = (
        f", of which nobody could tell {found.passed_over:,}: they count as wrong" if found.passed_over else ""
    )
    return (
        f"Counted beside the {own.images:,} test images of known classes: "
        f"{count_of(found.candidates.images, 'labelled record')} that this model answered ({found.sampled:,} of "
        f"samples drawn by lot{passed_over}; {found.elsewhere:,} with labels from elsewhere)."
    )


def _draw_promise(candidates: Candidates) -> Passed | None:
    st.subheader("A threshold with a promise", anchor=False)
    target = st.number_input(
        "At least so many right among those passed, %",
        50.0,
        99.9,
        95.0,
        step=0.5,
        key="evaluation.target",
        width=300,
        help="The promise holds with 95 % confidence: of 20 such promises, on test images of their own, one may fail.",
    )
    least = target / 100
    chosen = threshold.promise(candidates, least)
    if chosen is None:
        _draw_refusal(candidates, least)
        return None
    st.success(
        f"With 95 % confidence at least **{target:g} %** are right among those passed at the threshold "
        f"**{chosen.threshold:g}**. It passes {percent(chosen.coverage)} of the known images; of these "
        f"{chosen.count:,}, {chosen.wrong:,} are wrong (the exact one-sided bound of this threshold "
        f"alone: {percent(chosen.at_least_right())} right).",
        icon=":material/verified:",
    )
    st.caption(
        f"{_ABOUT} It is the loosest of preset shares of the most confident images, tried from strict to loose until "
        "one fails (Learn then Test), so that choosing costs nothing of the 95 %."
    )
    st.button(
        "Take this threshold",
        key="evaluation.take",
        icon=":material/check:",
        on_click=_choose,
        args=(chosen.threshold,),
    )
    return chosen


def _draw_refusal(candidates: Candidates, least: float) -> None:
    without, images = threshold.needed_without_mistake(least), threshold.needed_images(candidates, least)
    said = (
        f"These {candidates.images:,} images do not suffice to promise {100 * least:g} %. Without a single mistake "
        f"{without:,} images that pass would be needed"
    )
    if images is None:
        rest = "; at the mistakes that it makes now, no number of images would do. Train a better one, or promise less."
    elif images <= candidates.images:
        rest = ". The most confident ones hold too many mistakes: promise less, or train a better model."
    else:
        rest = (
            f"; at the mistakes that it makes now, about {images:,} test images of known classes, "
            f"{images - candidates.images:,} more than there are."
        )
    st.warning(said + rest, icon=":material/hourglass_empty:")


def _draw_fixed(shown: Evaluation, candidates: Candidates, deployed: Workflow | None) -> None:
    """The bounds of thresholds that were chosen without these images."""
    fixed = {"The course's": DEFAULT_THRESHOLD}
    if deployed is not None:
        fixed["The workflow's"] = deployed.threshold
    st.markdown(
        "**What can be said of thresholds that are there already.** Each has an exact bound of its own, with 95 % "
        "confidence, if it was not chosen on these images."
    )
    st.dataframe(
        pd.DataFrame(_described(name, shown, candidates.passed(value)) for name, value in fixed.items()),
        hide_index=True,
        height="content",
        key="evaluation.fixed",
        column_config={"Threshold": st.column_config.NumberColumn(format="%.4f")},
    )


def _described(name: str, shown: Evaluation, passed: Passed) -> dict[str, Any]:
    row = {
        "": name,
        "Threshold": passed.threshold,
        "Passes": f"{percent(passed.coverage)} ({passed.count:,} of {passed.images:,})",
        "Right among them": percent(passed.accuracy),
        "Wrong": passed.wrong,
        "At least right": percent(passed.at_least_right()) if passed.count else "-",
    }
    unseen = [group.passed for group in foreign_groups(shown, passed.threshold) if not group.was_trained_on]
    total = sum(group.total for group in unseen)
    return row | ({"Foreign that pass": percent(sum(group.count for group in unseen) / total)} if total else {})


def _draw_curve(shown: Evaluation, candidates: Candidates, deployed: Workflow | None, promised: Passed | None) -> None:
    st.markdown(
        "**What each threshold buys.** The further to the right, the more images are passed on without a person; the "
        "lower, the more of these are wrong. The band is each point's own 95 % interval: no promise for a point "
        "that was picked because it looks good. Click a point to take its threshold."
    )
    marks = {f"The course's {DEFAULT_THRESHOLD:g}": candidates.passed(DEFAULT_THRESHOLD)}
    if deployed is not None:
        marks[f"The workflow's {deployed.threshold:g}"] = candidates.passed(deployed.threshold)
    if promised is not None:
        marks[f"Promised {promised.threshold:g}"] = promised
    places = {name: (mark.coverage, mark.accuracy) for name, mark in marks.items() if mark.accuracy is not None}
    _draw_clickable(shown, "curve", charts.coverage_curve(threshold.curve(candidates), places), "Coverage and accuracy")


def _draw_costs(shown: Evaluation, candidates: Candidates) -> None:
    st.markdown(
        "**What it costs.** A wrong one that is passed on and a check by a person each have a price. The cheapest "
        "threshold on these images is marked; it is an estimate, not a promise."
    )
    with st.container(horizontal=True):
        wrong = st.number_input(
            "A wrong routing costs", 0.0, value=20.0, step=1.0, key="evaluation.wrong_price", width=180
        )
        check = st.number_input(
            "A manual check costs", 0.0, value=1.0, step=0.5, key="evaluation.check_price", width=180
        )
    _draw_clickable(shown, "costs", charts.cost_curve(threshold.costs(candidates, wrong, check)), "Costs")


def _draw_clickable(shown: Evaluation, name: str, figure: Any, alt: str) -> None:
    """A chart whose points are thresholds to take."""
    key = f"evaluation.{name}.{shown.job}.{shown.evaluated_at:%s}"
    st.plotly_chart(figure, key=key, on_select=partial(_clicked, key), selection_mode="points", config=STILL, alt=alt)


def _clicked(key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points and points[0].get("customdata"):
        _choose(float(points[0]["customdata"][1]))


def _choose(value: float) -> None:
    st.session_state[_CHOSEN] = value


def draw_handover(environment: Environment, shown: Evaluation, deployed: Workflow | None) -> None:
    """The threshold that was taken, and the button that hands it to the workflow."""
    candidates = Candidates.of(shown)
    st.subheader("Hand a threshold to the workflow", anchor=False)
    st.session_state.setdefault(_CHOSEN, deployed.threshold if deployed else DEFAULT_THRESHOLD)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        value = st.number_input("Threshold", 0.0, 1.0, step=0.01, format="%.4f", key=_CHOSEN, width=180)
        if deployed is not None:
            idle = value == deployed.threshold or is_running(JobName.WORKFLOW)
            if st.button(
                "Change the workflow's threshold",
                key="evaluation.hand",
                icon=":material/send:",
                type="primary",
                disabled=idle,
            ):
                with action("Change started"):
                    work = partial(workflow.update_threshold, environment, value)
                    jobs.start(JobName.WORKFLOW, "Changing the threshold", work, "The workflow's threshold is changed.")
    passed = candidates.passed(value)
    st.caption(
        f"{value:g} passes {percent(passed.coverage)} of the known test images, of which {percent(passed.accuracy)} "
        "are right." + (f" The workflow's is {deployed.threshold:g}." if deployed else "")
    )
    if deployed is None:
        draw_missing("No workflow is deployed that could take it.", PagePath.WORKFLOW)
        return
    endpoint = reads.describe_endpoint(environment)
    if endpoint is not None and endpoint.training_job != shown.job:
        st.warning(
            f"The endpoint serves the model of {endpoint.training_job or 'no training job of this account'}, not the "
            "one evaluated here. A threshold of one model says nothing of another: deploy this one first.",
            icon=":material/warning:",
        )
