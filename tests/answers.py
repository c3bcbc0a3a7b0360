"""Answers of AWS as a test wants them: put in the place of those that a client received, for a while.

Hooks of botocore's own do it, below everything that is tested: requests are made, signed and answered as ever.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from backend.aws.environment import Environment, Session
from backend.settings import Settings

Change = Callable[[dict[str, Any]], object]


def account(region: str = "us-east-1") -> Environment:
    """A real account as the app sees it, which no request reaches: each has to be `answered`."""
    session = Session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="example", region_name=region)
    return Environment(session, region, "123456789012", Settings(environment="aws", region=region))


@contextmanager
def changed(client: Any, operation: str, change: Change) -> Iterator[None]:
    """What the client is answered to an operation, given to `change` first; it may raise instead."""
    event, name = _event("after-call", client, operation), object()
    client.meta.events.register(event, lambda parsed, **_: change(parsed), unique_id=name)
    try:
        yield
    finally:
        client.meta.events.unregister(event, unique_id=name)


@contextmanager
def answered(client: Any, operation: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """The operation answered by `answer`, from its request, without asking AWS; for services that speak JSON."""
    event, name = _event("before-call", client, operation), object()

    def respond(params: dict[str, Any], **_: Any) -> tuple[_Ok, dict[str, Any]]:
        return _Ok(), answer(json.loads(params["body"]))

    client.meta.events.register(event, respond, unique_id=name)
    try:
        yield
    finally:
        client.meta.events.unregister(event, unique_id=name)


def denied(_parsed: dict[str, Any]) -> dict[str, Any]:
    """Refuse, as AWS does whoever lacks a permission."""
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Not yours."}}, "Operation")


def unreachable(_parsed: dict[str, Any]) -> None:
    """Fail, as boto3 does in an outage, without its retries."""
    raise EndpointConnectionError(endpoint_url="https://aws.example")


@dataclass(frozen=True)
class _Ok:
    status_code: int = 200


def _event(stage: str, client: Any, operation: str) -> str:
    return f"{stage}.{client.meta.service_model.service_id.hyphenize()}.{operation}"
