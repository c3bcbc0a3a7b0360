"""The state machine as a graph, in Graphviz's DOT language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_COLORS = {
    "succeeded": "#009E73",
    "failed": "#D55E00",
    "rejected": "#E69F00",
    "not a known class": "#CC79A7",
    "stopped": "#E69F00",
    "running": "#0072B2",
}
"""By a state's status, from Okabe and Ito's palette for all kinds of color vision."""
_UNTOUCHED = "#8A8F98"  # told from both a white and a black page


def workflow_graph(definition: Mapping[str, Any], status_of: Mapping[str, str] | None = None) -> str:
    """DOT for a definition in Amazon States Language; `status_of` colors the states that an execution went through."""
    statuses = status_of or {}
    lines = [
        'digraph workflow { bgcolor="transparent"; rankdir=TB; nodesep=0.5; ranksep=0.3;',
        'node [shape=box, style="rounded", fontname="Helvetica,Arial,sans-serif", fontsize=11, penwidth=1.5];',
        f'edge [color="{_UNTOUCHED}", fontcolor="{_UNTOUCHED}", fontname="Helvetica,Arial,sans-serif", fontsize=9];',
    ]
    return "\n".join([*lines, *_states(definition, statuses), "}"])


def _states(definition: Mapping[str, Any], statuses: Mapping[str, str]) -> Iterator[str]:
    for name, state in definition["States"].items():
        yield _node(name, state, statuses.get(name))
        yield from (_edge(name, target, label) for target, label in _transitions(state))
        if within := state.get("ItemProcessor"):
            yield f'subgraph {_quoted(f"cluster {name}")} {{ style=dotted; color="{_UNTOUCHED}";'
            yield from _states(within, statuses)
            yield "}"
            yield _edge(name, within["StartAt"], "each")


def _node(name: str, state: Mapping[str, Any], status: str | None) -> str:
    shape = ", shape=diamond, style=solid" if state["Type"] == "Choice" else ""
    color = _COLORS.get(status or "", _UNTOUCHED)
    fill = f', style="rounded,filled", fillcolor="{color}", fontcolor="white"' if status else f', fontcolor="{color}"'
    return f'{_quoted(name)} [color="{color}"{shape}{fill}];'


def _edge(source: str, target: str, label: str) -> str:
    style = ", style=dashed" if label == "error" else ""
    return f"{_quoted(source)} -> {_quoted(target)} [label={_quoted(label)}{style}];"


def _transitions(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where a state leads, and on what."""
    if "Next" in state:
        yield state["Next"], ""
    for choice in state.get("Choices", []):
        yield choice["Next"], _condition(choice)
    if "Default" in state:
        yield state["Default"], "else"
    for catcher in state.get("Catch", []):
        if catcher["Next"] != state.get("Next"):
            yield catcher["Next"], "error"


def _condition(choice: Mapping[str, Any]) -> str:
    """What a rule is about: a comment, a variable, or an expression of JSONata; of several there is no short name."""
    if "Comment" in choice:
        return str(choice["Comment"])
    if "Variable" in choice:
        return str(choice["Variable"]).removeprefix("$.").replace("_", " ")
    return str(choice.get("Condition", "rule")).removeprefix("{%").removesuffix("%}").strip()


def _quoted(text: str) -> str:
    """A text as DOT takes it: a backslash would begin one of its escapes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
