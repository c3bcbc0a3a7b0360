"""The code that "Show the code" shows: the files in `examples/`, with a project's own names filled in."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from backend.aws.environment import Environment

EXAMPLES = Path(__file__).parents[1] / "examples"
_IMPORT = re.compile(r"\nfrom examples\..*\n")
"""How a step's file gets the names: what is shown has them above."""


class Example(StrEnum):
    """The steps that there is code for, named as their files."""

    DATA_STAGING = "data_staging"
    TRAINING = "training"
    DEPLOYMENT = "deployment"
    EVALUATION = "evaluation"
    WORKFLOW = "workflow"
    SUBMISSION = "submission"


class Place(StrEnum):
    """Where the code runs, named as the end of the file that connects to it."""

    EMBEDDED = "embedded"
    AWS = "aws"


def example_code(environment: Environment, example: Example, place: Place, values: Mapping[str, Any]) -> str:
    """A step as a script that runs alone in the project's folder; `values` by the names that its file assigns.

    Raises KeyError for a name that it does not.
    """
    connecting: dict[str, Any] = (
        {"state_dir": environment.settings.state_dir.resolve().as_posix()}
        if place is Place.EMBEDDED
        else {"profile": environment.session.profile_name, "region": environment.region}
    )
    parts = [
        filled(_read(f"connect_{place}"), connecting),
        filled(_read("names"), {"project": environment.project}),
        filled(_read(example), values),
    ]
    return "\n".join(parts)


def filled(code: str, values: Mapping[str, Any]) -> str:
    """Code whose assignments at the top level to these names assign these values; KeyError for one that it has not.

    A line that assigns to several names at once keeps the values of those that are not among them.
    """
    lines = code.splitlines()
    missing = dict(values)
    for node in reversed(ast.parse(code).body):
        if isinstance(node, ast.Assign) and (assigned := _assigned(node)) and assigned.keys() & values.keys():
            now = {name: missing.pop(name, value) for name, value in assigned.items()}
            comment = _comment(lines[node.end_lineno - 1]) if node.end_lineno else ""
            lines[node.lineno - 1 : node.end_lineno] = [_assignment(now) + comment]
    if missing:
        raise KeyError(f"the code assigns no value to {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def _assigned(node: ast.Assign) -> dict[str, Any]:
    """What a line like `a, b = 1, 2` assigns; nothing where it is no such line."""
    [target, *_], value = node.targets, node.value
    pairs = (
        zip(target.elts, value.elts, strict=True)
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        else [(target, value)]
    )
    try:
        return {name.id: ast.literal_eval(item) for name, item in pairs if isinstance(name, ast.Name)}
    except ValueError:
        return {}


def _assignment(values: Mapping[str, Any]) -> str:
    return f"{', '.join(values)} = {', '.join(map(_literal, values.values()))}"


def _literal(value: Any) -> str:
    """A value as a person writes it: JSON's quotes, and a dictionary with a line for each of its items."""
    if isinstance(value, dict):
        items = "".join(f"    {_literal(key)}: {_literal(item)},\n" for key, item in value.items())
        return f"{{\n{items}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _comment(line: str) -> str:
    code, mark, comment = line.partition("  # ")
    return mark + comment if code else ""


def _read(name: str) -> str:
    return _IMPORT.sub("", (EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
