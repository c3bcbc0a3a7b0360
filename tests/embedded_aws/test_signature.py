"""Signatures, held against botocore's signer and AWS's published example."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from embedded_aws.signature import SignatureRefused, SignedRequest, verify

KEY, SECRET = "000000000000", "a secret"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


def signed(method: str, url: str, service: str, body: bytes = b"", secret: str = SECRET) -> SignedRequest:
    """A request as botocore signs and sends it."""
    request = AWSRequest(method=method, url=url, data=body, headers={"Host": urlsplit(url).netloc})
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(KEY, secret), service, "us-east-1").add_auth(request)
    parts = urlsplit(url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return SignedRequest(method, parts.path, parts.query, headers)


def check(request: SignedRequest, body: bytes = b"", now: datetime | None = None) -> None:
    stated = request.headers.get("x-amz-content-sha256", hashlib.sha256(body).hexdigest())
    verify(request, stated, KEY, SECRET, now or datetime.now(UTC))


@pytest.mark.parametrize(
    ("method", "url", "service"),
    [
        ("GET", "http://127.0.0.1:4566/bucket/a%20b/%C3%BC%2Bc.txt", "s3"),
        ("GET", "http://127.0.0.1:4566/bucket?list-type=2&prefix=a%2Fb&delimiter=", "s3"),
        ("PUT", "http://127.0.0.1:4566/bucket/key", "s3"),
        ("POST", "http://127.0.0.1:4566/", "sagemaker"),
        ("POST", "http://127.0.0.1:4566/endpoints/a%20b/invocations", "sagemaker"),
        ("GET", "http://127.0.0.1:4566/2015-03-31/functions/arn%3Aaws%3Alambda/", "lambda"),
    ],
)
def test_what_botocore_signs_is_accepted(method: str, url: str, service: str) -> None:
    check(signed(method, url, service, b"body"), b"body")


def test_the_published_example_is_accepted() -> None:
    # AWS General Reference, "Signature Version 4 signing process": the IAM ListUsers example.
    request = SignedRequest(
        "GET",
        "/",
        "Action=ListUsers&Version=2010-05-08",
        {
            "host": "iam.amazonaws.com",
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "x-amz-date": "20150830T123600Z",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        },
    )
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    verify(request, EMPTY_SHA256, "AKIDEXAMPLE", secret, datetime(2015, 8, 30, 12, 36, tzinfo=UTC))


def test_another_secret_is_refused() -> None:
    with pytest.raises(SignatureRefused) as caught:
        check(signed("GET", "http://127.0.0.1/", "sts", secret="another"))
    assert caught.value.code == "SignatureDoesNotMatch"


def test_another_body_than_was_signed_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        check(signed("POST", "http://127.0.0.1/", "sts", b"one"), b"two")


def test_another_path_than_was_signed_is_refused() -> None:
    request = signed("GET", "http://127.0.0.1/bucket/one", "s3")
    with pytest.raises(SignatureRefused):
        check(SignedRequest(request.method, "/bucket/two", request.raw_query, request.headers))


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_of_another_time_is_refused(minutes: int) -> None:
    with pytest.raises(SignatureRefused) as caught:
        check(signed("GET", "http://127.0.0.1/", "sts"), now=datetime.now(UTC) + timedelta(minutes=minutes))
    assert caught.value.code == "RequestExpired"


def test_an_unsigned_request_is_refused() -> None:
    with pytest.raises(SignatureRefused) as caught:
        check(SignedRequest("GET", "/", "", {"host": "127.0.0.1"}))
    assert caught.value.code == "MissingAuthenticationToken"
