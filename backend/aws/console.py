"""Links into AWS's own console."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from backend.aws.environment import Environment

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
"""By partition; the isolated ones tell nobody of theirs."""
SageMakerKind = Literal["jobs", "models", "endpointConfig", "endpoints"]
"""As the console's addresses have it; jobs are those of training."""


def execution_url(environment: Environment, name: str) -> str | None:
    """Where the console shows an execution; None where there is no console, or none that is known."""
    arn = quote(environment.names.execution_arn(name), safe=":")
    return _url(environment, "states/home", fragment=f"/v2/executions/details/{arn}")


def sagemaker_url(environment: Environment, kind: SageMakerKind, name: str) -> str | None:
    """Where the console shows something of SageMaker's; None as above."""
    return _url(environment, "sagemaker/home", fragment=f"/{kind}/{quote(name, safe='')}")


def s3_url(environment: Environment, uri: str) -> str | None:
    """Where the console shows an object, or what is below a prefix that ends in a slash; None as above."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    kind = "buckets" if key.endswith("/") or not key else "object"
    return _url(environment, f"s3/{kind}/{bucket}", prefix=key)


def _url(environment: Environment, path: str, *, prefix: str | None = None, fragment: str = "") -> str | None:
    domain = _DOMAINS.get(environment.names.partition)
    if domain is None or not environment.has_console:
        return None
    region = environment.region
    query = f"region={region}" + (f"&prefix={quote(prefix)}" if prefix is not None else "")
    return f"https://{region}.{domain}/{path}?{query}" + (f"#{fragment}" if fragment else "")
