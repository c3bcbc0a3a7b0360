"""Links into AWS's own console."""

from __future__ import annotations

from urllib.parse import quote

from backend.aws.environment import Environment

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
"""By partition; the isolated ones tell nobody of theirs."""


def execution_url(environment: Environment, name: str) -> str | None:
    """Where the console shows an execution; None where there is no console, or none that is known."""
    domain = _DOMAINS.get(environment.names.partition)
    if domain is None or not environment.has_console:
        return None
    region, arn = environment.region, quote(environment.names.execution_arn(name), safe=":")
    return f"https://{region}.{domain}/states/home?region={region}#/v2/executions/details/{arn}"
