"""The fields of a rule: each begins with what the rule has, or with what is usual for a new one."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from backend import alerts, monitoring
from backend.alerts import Comparison, Figure, MissingData, Rule, Takes, Unit
from backend.aws.environment import Environment
from backend.wording import as_words
from pages.shared import reads
from pages.shared.text import visible

_MISSING: Final = {
    MissingData.MISSING: "missing: too little data",
    MissingData.IGNORE: "ignore: the state stays",
    MissingData.BREACHING: "breaching: it is wrong",
    MissingData.NOT_BREACHING: "notBreaching: it is right",
}
_FIRST_QUANTILE: Final = 0.05
_EVERY: Final = "Every variant"
Fields = dict[str, Any]


def choose_source(environment: Environment, rule: Rule | None, key: str) -> str | None:
    """The URL of the source, None for the project's own; where there is but that, it is not asked for."""
    own = monitoring.project_source(environment).url
    names = {source.url: visible(source.name) for source in monitoring.list_sources(environment)} | {
        own: "This project"
    }
    first = (rule.source if rule else None) or own
    names.setdefault(first, visible(first))
    if len(names) == 1:
        return None
    url = st.selectbox(
        "Source", list(names), index=list(names).index(first), format_func=names.__getitem__, key=f"{key}.source"
    )
    return None if url == own else url


def choose_parameter(
    environment: Environment, figure: Figure, rule: Rule | None, source: str | None, key: str
) -> tuple[str | None, float | None]:
    """What the figure takes beside: a class or a feature, and a quantile or a threshold to pass."""
    label, level = (rule.label, rule.level) if rule else (None, None)
    match figure.takes:
        case Takes.CLASS:
            labels = list(dict.fromkeys([*reads.classes_of(environment, source), *([label] if label else [])]))
            at = labels.index(label) if label else 0
            return st.selectbox("Class", labels, at, as_words, key=f"{key}.class", placeholder="none is known"), None
        case Takes.FEATURE:
            at = figure.features.index(label) if label in figure.features else 0
            return st.selectbox("Feature", figure.features, at, key=f"{key}.feature"), None
        case Takes.QUANTILE:
            first = _FIRST_QUANTILE if level is None else level
            return None, st.number_input("Quantile", 0.0, 1.0, first, 0.01, key=f"{key}.level")
        case Takes.THRESHOLD:
            usual = "the deployed threshold"
            return None, st.number_input("Passes at", 0.0, 1.0, level, 0.01, placeholder=usual, key=f"{key}.level")
        case _:
            return None, None


def choose_variant(environment: Environment, rule: Rule | None, source: str | None, key: str) -> str | None:
    """The variant, None for all; where but one was captured, it is not asked for."""
    sources = {known.url: known for known in monitoring.list_sources(environment)}
    contents = reads.capture_contents(environment, sources.get(source or "", monitoring.project_source(environment)))
    names = sorted({stream.variant for stream in contents.streams if stream.variant}) if contents else []
    first = (rule.variant if rule else None) or _EVERY
    options = list(dict.fromkeys([_EVERY, *names, first]))
    if len(options) <= 2 and first == _EVERY:
        return None
    chosen = st.selectbox("Variant", options, options.index(first), visible, key=f"{key}.variant")
    return None if chosen == _EVERY else chosen


def choose_comparison(
    figure: Figure, of_figure: Rule | None, rule: Rule | None, key_of_figure: str, key: str
) -> Fields:
    """When a value is wrong, and in how many of which periods it has to be."""
    has_threshold = figure.unit is not Unit.YES_OR_NO  # what is on is wrong, and there is nothing to choose
    *before, periods, wrongs, amongs = st.columns(5 if has_threshold else 3)
    fields: Fields = {"comparison": Comparison.GREATER, "threshold": figure.first}
    if has_threshold:
        comparisons, thresholds = before
        usual = Comparison.LESS if figure.is_bad_when_low else Comparison.GREATER
        fields["comparison"] = comparisons.selectbox(
            "Wrong if it is",
            list(Comparison),
            index=list(Comparison).index(of_figure.comparison if of_figure else usual),
            format_func=lambda comparison: comparison.words,
            key=f"{key_of_figure}.comparison",
        )
        fields["threshold"] = thresholds.number_input(
            "Threshold",
            value=float(of_figure.threshold if of_figure else figure.first),
            step=0.01 if figure.first < 1 else 1.0,
            format="%g",
            help=f"In {figure.unit.value}.",
            key=f"{key_of_figure}.threshold",
        )
    fields["period_seconds"] = periods.selectbox(
        "Period",
        alerts.PERIODS,
        index=alerts.PERIODS.index(rule.period_seconds if rule else 300),
        format_func=alerts.in_words,
        key=f"{key}.period",
    )
    fields["datapoints_to_alarm"] = wrongs.number_input(
        "Wrong periods", 1, alerts.MOST_PERIODS, rule.datapoints_to_alarm if rule else 1, key=f"{key}.wrong"
    )
    fields["evaluation_periods"] = amongs.number_input(
        "of the last", 1, alerts.MOST_PERIODS, rule.evaluation_periods if rule else 1, key=f"{key}.among"
    )
    return fields


def choose_data(figure: Figure, rule: Rule | None, key: str) -> Fields:
    """What a period without data means, how many records one needs, and the rule's name."""
    missings, leasts, names = st.columns(3)
    missing = missings.selectbox(
        "A period without data is",
        list(MissingData),
        index=list(MissingData).index(rule.missing) if rule else 0,
        format_func=_MISSING.__getitem__,
        help="In CloudWatch's words.",
        key=f"{key}.missing",
    )
    least = leasts.number_input(
        "Fewest records",
        1,
        value=rule.least_records if rule else 1,
        help="A period with fewer counts as one without data.",
        key=f"{key}.least",
    )
    name = names.text_input(
        "Name", rule.name if rule else "", max_chars=80, placeholder=figure.title, key=f"{key}.name"
    )
    return {"missing": missing, "least_records": least, "name": name.strip() or figure.title}
