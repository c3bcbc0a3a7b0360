"""Checking AWS Signature Version 4 in a request's headers.

Source: AWS General Reference, "Create a signed AWS API request".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_MAX_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential=(?P<key>[^/,]+)/"
    r"(?P<scope>(?P<date>\d{8})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request)"
    r", ?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


class SignatureRefused(Exception):
    """When a request is not signed, or not with this installation's secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class SignedRequest:
    """A request as it came in: the path and query as sent, header names in lower case."""

    method: str
    raw_path: str
    raw_query: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Authorization:
    key: str
    scope: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def signing_service(headers: Mapping[str, str]) -> str:
    """The service that a request is signed for, such as `s3`; empty when it is not signed."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return match["service"] if match else ""


def verify(request: SignedRequest, body_sha256: str, access_key_id: str, secret: str, now: datetime) -> None:
    """Check that the request carries a valid signature by this key pair; raises SignatureRefused.

    `body_sha256` stands in for the body: the value of `x-amz-content-sha256`, or else the body's SHA-256 in hex.
    """
    authorization = _parse(request.headers)
    if authorization.key != access_key_id:
        raise SignatureRefused("InvalidClientTokenId", "The security token included in the request is invalid.")
    if "host" not in authorization.signed_headers:
        raise SignatureRefused("IncompleteSignatureException", "The header Host must be signed.")
    timestamp = _timestamp(request.headers, authorization, now)
    to_sign = "\n".join(
        (_ALGORITHM, timestamp, authorization.scope, _sha256(_canonical(request, authorization, body_sha256)))
    )
    expected = hmac.new(_signing_key(secret, authorization), to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, authorization.signature):
        raise SignatureRefused(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Use the variables that this embedded AWS printed.",
        )


def _parse(headers: Mapping[str, str]) -> _Authorization:
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise SignatureRefused("MissingAuthenticationToken", "Requests must be signed with AWS Signature Version 4.")
    signed_headers = tuple(match["headers"].split(";"))
    return _Authorization(
        match["key"],
        match["scope"],
        match["date"],
        match["region"],
        match["service"],
        signed_headers,
        match["signature"],
    )


def _timestamp(headers: Mapping[str, str], authorization: _Authorization, now: datetime) -> str:
    """The request's time as signed, which must be of the scope's day and close to ours."""
    timestamp = headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureRefused("IncompleteSignatureException", "The header X-Amz-Date is missing or wrong.") from error
    if abs(now - signed_at) > _MAX_SKEW or not timestamp.startswith(authorization.date):
        raise SignatureRefused("RequestExpired", "The request's time is too far from this machine's.")
    return timestamp


def _canonical(request: SignedRequest, authorization: _Authorization, body_sha256: str) -> str:
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in authorization.signed_headers]
    return "\n".join(
        (
            request.method,
            # Every service but S3 signs the path encoded once more.
            request.raw_path if authorization.service == "s3" else quote(request.raw_path, safe="/~"),
            _canonical_query(request.raw_query),
            "".join(headers),
            ";".join(authorization.signed_headers),
            body_sha256,
        )
    )


def _canonical_query(raw_query: str) -> str:
    pairs = sorted(pair.partition("=")[::2] for pair in raw_query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _signing_key(secret: str, authorization: _Authorization) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (authorization.date, authorization.region, authorization.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
