"""Lists as SageMaker pages them: filters, order, and a token that says where the next page begins."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from embedded_aws.sagemaker.api.exceptions import ValidationException
from embedded_aws.sagemaker.api.operations import Output, Request
from embedded_aws.sagemaker.registry import Query, Registry, SortColumn, StoredResource

_DEFAULT_PAGE_SIZE = 10
_SORT_COLUMNS: dict[str, SortColumn] = {"Name": "name", "CreationTime": "created", "Status": "status"}


def list_page(
    registry: Registry,
    kind: str,
    request: Request,
    member: str,
    summary: Callable[[StoredResource], dict[str, Any]],
    default_order: str = "Descending",
) -> Output:
    """One page of the resources of a kind: their summaries under `member`, and NextToken when there are more.

    Understands the filters that SageMaker's List operations share. Raises ValidationException for a NextToken that
    does not come from the same list.
    """
    query = _query(kind, request, default_order)
    size = request.get("MaxResults", _DEFAULT_PAGE_SIZE)
    found = registry.select(replace(query, after=_position(request.get("NextToken"), query), limit=size + 1))
    output: Output = {member: [summary(resource) for resource in found[:size]]}
    if len(found) > size:
        output["NextToken"] = _token(found[size - 1], query)
    return output


def _query(kind: str, request: Request, default_order: str) -> Query:
    return Query(
        kind=kind,
        name_contains=request.get("NameContains"),
        status=request.get("StatusEquals"),
        created_since=request.get("CreationTimeAfter"),
        created_before=request.get("CreationTimeBefore"),
        modified_since=request.get("LastModifiedTimeAfter"),
        modified_before=request.get("LastModifiedTimeBefore"),
        sort_by=_SORT_COLUMNS[request.get("SortBy", "CreationTime")],
        descending=request.get("SortOrder", default_order) == "Descending",
    )


def _fingerprint(query: Query) -> str:
    return hashlib.sha256(repr(query).encode()).hexdigest()[:16]


def _token(last: StoredResource, query: Query) -> str:
    """The list and the last resource of a page: what is created or deleted meanwhile shifts no later page."""
    content = [_fingerprint(query), getattr(last, query.sort_by), last.name]
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _position(token: str | None, query: Query) -> tuple[str | float, str] | None:
    if token is None:
        return None
    try:
        fingerprint, value, name = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        position = (float(value) if query.sort_by == "created" else str(value), str(name))
    except (ValueError, TypeError) as error:
        raise ValidationException("Invalid NextToken: it was not given out by this operation.") from error
    if fingerprint != _fingerprint(query):
        raise ValidationException("Invalid NextToken: it belongs to a list with other filters or another order.")
    return position
