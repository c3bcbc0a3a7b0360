"""Checking AWS Signature Version 4 in a request's headers.

Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_MAX_SKEW = timedelta(minutes=15)
_TIMESTAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[^/,]+)/"
    r"(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request"
    r", ?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_MUST_BE_SIGNED = ("host", "content-type")
_MUST_BE_SIGNED_PREFIX = "x-amz-"


class RequestRefused(Exception):
    """When a request is not let in: the error's code and HTTP status as AWS has them."""

    def __init__(self, code: str, message: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class SignedRequest:
    """A request as it came in: the path and query as sent, header names in lower case."""

    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Authorization:
    """What the header Authorization says: whose key, for when, where and what, and which headers are signed."""

    key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def parse_authorization(headers: Mapping[str, str]) -> Authorization:
    """Raises RequestRefused when the request is not signed with Signature Version 4 in its headers."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise RequestRefused("MissingAuthenticationToken", "Requests must be signed with AWS Signature Version 4.")
    return Authorization(
        match["key"],
        match["date"],
        match["region"],
        match["service"],
        tuple(match["headers"].split(";")),
        match["signature"],
    )


def check_claims(
    authorization: Authorization, headers: Mapping[str, str], access_key_id: str, region: str, now: datetime
) -> None:
    """Check all that can be checked before the body is there; raises RequestRefused.

    A header that decides something must be signed, or whoever passes the request on could add it.
    """
    if authorization.key != access_key_id:
        raise RequestRefused("InvalidClientTokenId", "The security token included in the request is invalid.")
    if authorization.region != region:
        raise RequestRefused(
            "SignatureDoesNotMatch",
            f"Credential should be scoped to a valid region, not '{authorization.region}'. "
            f"The embedded AWS is in {region} only: set AWS_REGION, or the client's region, to it.",
        )
    _check_time(authorization, headers, now)
    signed = authorization.signed_headers
    for name in headers:
        if (name in _MUST_BE_SIGNED or name.startswith(_MUST_BE_SIGNED_PREFIX)) and name not in signed:
            raise RequestRefused("SignatureDoesNotMatch", f"The header {name} is in the request but is not signed.")


def verify(request: SignedRequest, authorization: Authorization, body_sha256: str, secret: str) -> None:
    """Check that the request's signature was made with this secret; raises RequestRefused.

    `body_sha256` stands in for the body: the value of `x-amz-content-sha256`, or else the body's SHA-256 in hex.
    """
    claimed = authorization
    to_sign = "\n".join(
        (
            _ALGORITHM,
            request.headers["x-amz-date"],
            f"{claimed.date}/{claimed.region}/{claimed.service}/aws4_request",
            _sha256(_canonical(request, claimed, body_sha256)),
        )
    )
    key = _signing_key(secret, claimed.date, claimed.region, claimed.service)
    expected = hmac.digest(key, to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, claimed.signature):
        raise RequestRefused(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Use the variables that this embedded AWS printed.",
        )


def _check_time(authorization: Authorization, headers: Mapping[str, str], now: datetime) -> None:
    """The request's time must be of the scope's day and close to ours."""
    timestamp = headers.get("x-amz-date", "")
    try:
        if not _TIMESTAMP.fullmatch(timestamp):
            raise ValueError(timestamp)
        signed_at = datetime.fromisoformat(timestamp)
    except ValueError as error:
        raise RequestRefused("IncompleteSignature", "The header X-Amz-Date is missing or wrong.") from error
    if abs(now - signed_at) > _MAX_SKEW or not timestamp.startswith(authorization.date):
        raise RequestRefused("RequestExpired", "The request's time is too far from this machine's.")


def _canonical(request: SignedRequest, authorization: Authorization, body_sha256: str) -> str:
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in authorization.signed_headers]
    return "\n".join(
        (
            request.method,
            # Every service but S3 signs the path encoded once more.
            request.raw_path if authorization.service == "s3" else quote(request.raw_path),
            _canonical_query(request.raw_query),
            "".join(headers),
            ";".join(authorization.signed_headers),
            body_sha256,
        )
    )


def _canonical_query(raw_query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in raw_query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in pairs)


@functools.lru_cache(maxsize=256)  # the same for a day
def _signing_key(secret: str, *scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
