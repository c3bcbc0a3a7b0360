"""A state machine's definition as it will be deployed, and what Step Functions says of it before it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.errors import InvalidDefinition

_SHOWN = 3
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def check_definition(environment: Environment, path: Path, values: Mapping[str, str]) -> None:
    """Have a definition checked with these in its placeholders, as CloudFormation will fill them in.

    Raises InvalidDefinition with what is wrong, and AwsRequestError where Step Functions cannot be asked.
    """
    text = path.read_text(encoding="utf-8")
    if missing := set(_PLACEHOLDER.findall(text)) - values.keys():
        raise InvalidDefinition(f"Definition {path.name} has placeholders that nothing fills: {', '.join(missing)}.")
    with aws_errors(f"check the definition {path.name}"):
        answer = environment.stepfunctions.validate_state_machine_definition(
            definition=_PLACEHOLDER.sub(lambda found: values[found[1]], text), severity="ERROR"
        )
    if answer["result"] != "OK":
        said = [f"{one['message']} {one.get('location', '')}".strip() for one in answer["diagnostics"]]
        more = f" And {len(said) - _SHOWN} more." if len(said) > _SHOWN else ""
        raise InvalidDefinition(
            f"Definition {path.name} is not valid, so nothing was deployed: {'; '.join(said[:_SHOWN])}.{more} "
            "Mend it, and deploy again."
        )
