"""How often the model is right, what it confuses, and how sure it is when it is wrong."""

from __future__ import annotations

import streamlit as st

from backend import charts
from backend.aws.environment import Environment
from backend.evaluation import Evaluation, Proportion, calibration, figures
from pages.evaluation.words import STILL, class_name, draw_pictures, percent, with_interval
from pages.shared.environment import part

_NEARLY = 0.1
"""From a temperature of 1, which changes nothing."""


def draw_accuracy(shown: Evaluation) -> None:
    """The accuracies and the classes' own figures."""
    has_other = shown.other_index is not None
    with st.container(horizontal=True, key="evaluation.accuracy"):
        _metric("Accuracy", figures.accuracy(shown), "Of images of the known classes, so many get the right answer.")
        if has_other:
            _metric(
                "Between known classes",
                figures.accuracy_between_known(shown),
                "The same when only the known classes' probabilities are compared: how well those are told apart.",
            )
            _metric(
                "Known called other",
                figures.known_called_other(shown),
                "Images of a known class that are taken for something else. They count as wrong, and never pass.",
            )
    rows = figures.by_class(shown)
    st.markdown(
        "**Each class.** Recall: of its images, so many are found. Precision: of the answers that name it, so "
        "many are right; it depends on how many images of each class there are."
    )
    st.dataframe(
        rows.assign(
            label=rows["label"].str.replace("_", " "), recall=100 * rows["recall"], precision=100 * rows["precision"]
        )[["label", "images", "recall", "answers", "precision"]],
        hide_index=True,
        height="content",
        key="evaluation.classes",
        column_config={
            "label": "Class",
            "images": "Images",
            "answers": "Answers",
            "recall": st.column_config.NumberColumn("Recall", format="%.1f %%"),
            "precision": st.column_config.NumberColumn("Precision", format="%.1f %%"),
        },
    )


def draw_confusions(environment: Environment, shown: Evaluation) -> None:
    """The confusion matrix, whose cells lead to their images, and the worst mistakes."""
    st.markdown(
        "**What is taken for what.** A row is what images are, a column what was answered: on the diagonal the "
        "answer is right. Click a square to see its images."
    )
    picked = st.plotly_chart(
        charts.confusion_squares(figures.confusion_matrix(shown), shown.labels),
        key=f"evaluation.confusion.{shown.job}.{shown.evaluated_at:%s}",
        on_select="rerun",
        selection_mode="points",
        config=STILL,
        width="content",
        alt="Confusion matrix",
    )
    points = picked["selection"]["points"]
    with part():
        if points and points[0].get("customdata"):
            _, truth, predicted = points[0]["customdata"]
            images = figures.confused(shown, int(truth), int(predicted))
            answered = f"{class_name(shown, int(truth))}, answered as {class_name(shown, int(predicted))}"
            st.markdown(f"**{len(images):,} images of {answered}**, the most confident answer first")
            draw_pictures(environment, shown, images, "evaluation-cell")
    st.markdown("**The worst mistakes.** The wrong answers that the model was surest of: a threshold stops these last.")
    with part():
        draw_pictures(environment, shown, figures.worst_mistakes(shown, 12), "evaluation-worst")


def draw_calibration(shown: Evaluation) -> None:
    """Whether confidences can be taken at their word."""
    answers = shown.test
    error, temperature = calibration.calibration_error(answers), calibration.fit_temperature(answers)
    with st.container(horizontal=True, key="evaluation.calibration"):
        st.metric(
            "Calibration error",
            percent(error),
            border=True,
            width=220,
            help=f"Expected calibration error: how far accuracy is from confidence in each of {calibration.BINS} bins "
            "of equal width, averaged over the images.",
        )
        if temperature:
            after = calibration.calibration_error_at(answers, temperature.value)
            st.metric(
                "Temperature",
                f"{temperature.value:.2f}",
                border=True,
                width=220,
                help="What the logarithms of the probabilities would have to be divided by to make the right classes "
                "most likely. Above 1 the model is too sure.",
            )
    if temperature:
        verdict = _verdict(temperature.value)
        st.caption(
            f"The model is {verdict} on the whole. Divided by this temperature, which was fitted on these images, the "
            f"calibration error would be {percent(after)}, and the mean negative log likelihood "
            f"{temperature.loss_after:.3f} instead of {temperature.loss_before:.3f}. No answer changes by "
            "it, and nothing else on this page uses it."
        )
    else:
        st.caption("No temperature can be fitted: too few of the answers are wrong, or too few right.")
    st.markdown(
        "**Is it right as often as it is sure?** Of the answers with a confidence near 0.8, eight of ten should be "
        "right: on the dotted line they are, below it the model is too sure. The bars are 95 % intervals: long ones "
        "stand for few images."
    )
    st.plotly_chart(
        charts.reliability_diagram(calibration.reliability(answers)),
        key="evaluation.reliability",
        config=STILL,
        alt="Reliability diagram",
    )


def _verdict(temperature: float) -> str:
    if abs(temperature - 1) < _NEARLY:
        return "about as sure as it is right"
    return "too sure" if temperature > 1 else "not sure enough"


def _metric(label: str, proportion: Proportion, explained: str) -> None:
    with st.container(border=True, width=280):
        st.metric(label, percent(proportion.share), help=explained)
        st.caption(with_interval(proportion))
