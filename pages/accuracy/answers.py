"""What is taken for what in the window, and whether the model is right as often as it is sure."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from backend import quality
from backend.evaluation import calibration, figures
from backend.wording import as_words, count_of
from pages.accuracy.shown import Shown
from pages.shared import reads
from pages.shared.answered import draw_classes, draw_reliability, draw_squares, percent
from pages.shared.images import draw_images
from pages.shared.missing import draw_missing
from pages.shared.text import as_text

_PICTURES: Final = 24
_WIDTH: Final = 96  # pixels
_FEWEST: Final = 30
"""Answers of which a calibration error says anything beside chance."""


def draw_confusions(shown: Shown) -> None:
    """The confusion matrix, whose cells lead to their images, and each class's own figures."""
    window = shown.window
    known = quality.known_answers(window)
    if not known.any():
        _draw_sampled(shown)
        return
    st.caption(_of_known(shown))
    labels, matrix = quality.class_names(window), quality.confusion_matrix(window)
    cell = draw_squares(matrix, labels, key=f"accuracy.confusion.{shown.key}")
    if cell is not None:
        _draw_cell(shown, labels, *cell)
    draw_classes(figures.of_matrix(matrix, labels), "Records", key="accuracy.classes")


def draw_calibration(shown: Shown) -> None:
    """The reliability diagram, and the expected calibration error beside what chance alone would make of it."""
    window = shown.window
    known = quality.known_answers(window)
    count = int(known.sum())
    if not count:
        draw_missing(
            "A calibration takes labels of records that nobody chose for what they are like, such as those of traffic: "
            "there is none in this range."
        )
        return
    st.caption(_of_known(shown))
    confidence, is_right = window.confidence[known], window.is_right[known]
    bins = calibration.reliability_of(confidence, is_right)
    if count < _FEWEST:
        st.caption(f"A calibration error needs {_FEWEST} labels or more, and there are {count}.")
    else:
        st.metric(
            "Calibration error",
            percent(calibration.error_of(bins)),
            border=True,
            width=260,
            help=f"Expected calibration error: how far accuracy is from confidence in each of {calibration.BINS} bins "
            "of equal width, averaged over the records.",
        )
        by_chance = quality.chance_error(confidence)
        st.caption(
            f"A model that is exactly as often right as it is sure would be below {percent(by_chance)} in 95 % of "
            "windows with these confidences: up to there the error may be chance."
        )
    draw_reliability(bins, key="accuracy.reliability")


def _of_known(shown: Shown) -> str:
    window = shown.window
    known, records = int(quality.known_answers(window).sum()), len(window)
    if known == records:
        return f"Of all {count_of(records, 'record')}."
    return (
        f"Of the {known:,} of {count_of(records, 'record')} whose label is known otherwise than by review: what was "
        "chosen to be looked at is not like the rest."
    )


def _draw_cell(shown: Shown, labels: tuple[str, ...], truth: int, predicted: int) -> None:
    """The pictures of a cell, the surest answer first."""
    window = shown.window
    is_meant = quality.known_answers(window) & (quality.truth_of(window) == truth) & (window.class_index == predicted)
    places = np.flatnonzero(is_meant)
    places = places[np.argsort(-window.confidence[places], kind="stable")]
    title = as_text(f"{as_words(labels[truth])}, answered as {as_words(labels[predicted])}")
    st.markdown(f"**{count_of(len(places), 'record')} of {title}**, the surest answer first")
    first = [int(place) for place in places[:_PICTURES]]
    record_ids = tuple(int(window.record_id[place]) for place in first)
    pictures = reads.captured_images(shown.environment, shown.source, record_ids, _WIDTH)
    there = [
        (pictures[number], f"{window.confidence[place]:.3f}")
        for number, place in zip(record_ids, first, strict=True)
        if number in pictures
    ]
    draw_images([picture for picture, _ in there], [caption for _, caption in there], width=_WIDTH, key="accuracy-cell")
    if len(places) > _PICTURES:
        st.caption(f"The first {_PICTURES} of {len(places):,}.")


def _draw_sampled(shown: Shown) -> None:
    """Of a sample, which share of all records is taken for what, each with its interval."""
    sample = shown.sample()
    shares = quality.sampled_shares(sample) if sample else None
    if sample is None or shares is None:
        draw_missing(
            "No record of this window has a label. Label a sample, or send traffic: what that sends has labels."
        )
        return
    st.markdown(
        "**What is taken for what**, by the labels of the sample: the share of all records that are of the row's class "
        "and were answered with the column's, with its 95 % interval. Each picture counts for the records that it "
        "stands for."
    )
    names = [as_words(label) for label in sample.queue.choices]
    answers = [as_words(label) for label in sample.queue.labels]
    st.dataframe(
        pd.DataFrame(
            [[f"{cell.value:.1%} ({cell.low:.1%} to {cell.high:.1%})" for cell in row] for row in shares],
            columns=pd.Index([f"Answered {name}" for name in answers]),
            index=pd.Index(names, name="Is"),
        ),
        key="accuracy.shares",
        height="content",
    )
    st.caption("A calibration, and recall and precision, take labels of nearly all records.")
