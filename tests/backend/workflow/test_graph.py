"""The graph of a state machine."""

from __future__ import annotations

import re

from backend.workflow import workflow_graph

DEFINITION = {
    "StartAt": "Work",
    "States": {
        "Work": {"Type": "Task", "Catch": [{"Next": "Broken"}], "Next": "Decide"},
        "Decide": {"Type": "Choice", "Choices": [{"Variable": "$.is_good", "Next": "Good"}], "Default": "Broken"},
        "Good": {"Type": "Succeed"},
        "Broken": {"Type": "Fail"},
    },
}


def test_every_transition_is_an_edge() -> None:
    dot = workflow_graph(DEFINITION)
    for source, target in (("Work", "Decide"), ("Work", "Broken"), ("Decide", "Good"), ("Decide", "Broken")):
        assert f'"{source}" -> "{target}"' in dot


def test_only_the_states_of_the_execution_are_filled() -> None:
    lines = workflow_graph(DEFINITION, {"Work": "succeeded", "Broken": "failed"}).splitlines()
    filled = {line.split('"')[1] for line in lines if "fillcolor" in line}
    assert filled == {"Work", "Broken"}


def test_ends_that_are_told_apart_have_colors_of_their_own() -> None:
    """A stop and a rejection are alike: nobody decided."""
    statuses = ("succeeded", "failed", "rejected", "not a known class", "running")
    colors = [re.findall(r'fillcolor="(#\w+)"', workflow_graph(DEFINITION, {"Broken": status})) for status in statuses]
    assert len({color for [color] in colors}) == len(statuses)


def test_names_and_conditions_of_any_kind_stay_inside_their_quotes() -> None:
    """Source: Graphviz' DOT language, which ends a text at a quote and reads a backslash as an escape."""
    choices = [
        {"And": [{"Variable": "$.a"}], "Next": "b"},
        {"Condition": '{% $x = "y" %}', "Next": "b"},
        {"Comment": 'is "it"', "Condition": "{% $long %}", "Next": "b"},
    ]
    definition = {"States": {'a"\\N': {"Type": "Choice", "Choices": choices}, "b": {"Type": "Succeed"}}}
    dot = workflow_graph(definition)
    assert r""""a\"\\N" -> "b" [label="rule"];""" in dot
    assert r""""a\"\\N" -> "b" [label="$x = \"y\""];""" in dot
    assert r""""a\"\\N" -> "b" [label="is \"it\""];""" in dot


def test_what_a_map_does_for_each_is_drawn_within_it() -> None:
    states = {
        "Try": {"Type": "Task", "Catch": [{"Next": "Note"}], "End": True},
        "Note": {"Type": "Pass", "End": True},
    }
    each = {"StartAt": "Try", "States": states}
    dot = workflow_graph({"States": {"All": {"Type": "Map", "ItemProcessor": each, "End": True}}})
    within = dot[dot.index('subgraph "cluster All" {') :]
    assert '"Try" -> "Note" [label="error", style=dashed];' in within
    assert '"All" -> "Try" [label="each"];' in dot
    assert dot.count("{") == dot.count("}")
