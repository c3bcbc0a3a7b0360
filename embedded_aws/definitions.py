"""Definitions of state machines, looked at before they run: MiniStack (1.5.33) finds every one valid."""

from __future__ import annotations

import json
from typing import Any

_MOST = 100
"""Source: Step Functions API reference, ValidateStateMachineDefinition, maxResults."""


def install() -> None:
    """Answer ValidateStateMachineDefinition with what is wrong, as the language's specification has it."""
    from ministack.core.responses import json_response
    from ministack.services import stepfunctions

    def validate(request: dict[str, Any]) -> Any:
        definition = request.get("definition", "")
        found = problems(definition)
        if not found and (jsonata := stepfunctions._validate_definition_jsonata(definition)):
            found = [("INVALID_JSONATA_EXPRESSION", jsonata)]
        most = request.get("maxResults") or _MOST
        diagnostics = [{"severity": "ERROR", "code": code, "message": message} for code, message in found]
        answer = {"result": "FAIL" if found else "OK", "diagnostics": diagnostics[:most]}
        return json_response(answer | {"truncated": len(diagnostics) > most})

    stepfunctions._validate_state_machine_definition = validate


def problems(definition: str) -> list[tuple[str, str]]:
    """What is wrong with a definition, as code and sentence; JSONata's expressions are not looked into."""
    from statelint.config import Config
    from statelint.linter import Linter
    from statelint.problem import ProblemType

    try:
        content = json.loads(definition)
    except (ValueError, RecursionError) as error:
        return [("INVALID_JSON_DESCRIPTION", f"The definition is no JSON: {error}")]
    if not isinstance(content, dict):
        return [("INVALID_JSON_DESCRIPTION", "The definition is no JSON object.")]
    # A whole number where a float may be is one in JSON; it is only the specification's wording that has no such thing.
    found = Linter.validate(content, Config({ProblemType.FLOAT}))
    return [("SCHEMA_VALIDATION_FAILED", problem) for problem in found]
