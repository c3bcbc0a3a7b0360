"""How often the model is right, what it confuses, and how sure it is when it is wrong."""

from __future__ import annotations

import streamlit as st

from backend.aws.environment import Environment
from backend.evaluation import Evaluation, Proportion, calibration, figures
from pages.evaluation.words import class_name, draw_pictures, with_interval
from pages.shared.answered import draw_classes, draw_reliability, draw_squares, percent
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
    draw_classes(figures.by_class(shown), "Images", key="evaluation.classes")


def draw_confusions(environment: Environment, shown: Evaluation) -> None:
    """The confusion matrix, whose cells lead to their images, and the worst mistakes."""
    key = f"evaluation.confusion.{shown.job}.{shown.evaluated_at:%s}"
    cell = draw_squares(figures.confusion_matrix(shown), shown.labels, key=key)
    with part():
        if cell is not None:
            truth, predicted = cell
            images = figures.confused(shown, truth, predicted)
            answered = f"{class_name(shown, truth)}, answered as {class_name(shown, predicted)}"
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
    draw_reliability(calibration.reliability(answers), key="evaluation.reliability")


def _verdict(temperature: float) -> str:
    if abs(temperature - 1) < _NEARLY:
        return "about as sure as it is right"
    return "too sure" if temperature > 1 else "not sure enough"


def _metric(label: str, proportion: Proportion, explained: str) -> None:
    with st.container(border=True, width=280):
        st.metric(label, percent(proportion.share), help=explained)
        st.caption(with_interval(proportion))
