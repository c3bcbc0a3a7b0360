"""Signatures, held against botocore's signer and AWS's published example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from embedded_aws.signature import RequestRefused, SignedRequest, check_claims, parse_authorization, verify
from tests.embedded_aws.signing import KEY, SECRET, Request, sha256, sign


def check(request: Request, body: bytes | None = None, now: datetime | None = None) -> None:
    stated = request.headers.get("x-amz-content-sha256", sha256(request.body if body is None else body))
    authorization = parse_authorization(request.headers)
    check_claims(authorization, request.headers, KEY, "us-east-1", now or datetime.now(UTC))
    verify(request.as_signed_request(), authorization, stated, SECRET)


def refusal(request: Request, body: bytes | None = None, now: datetime | None = None) -> str:
    """The code that the request is refused with."""
    with pytest.raises(RequestRefused) as caught:
        check(request, body, now)
    assert (caught.value.status, str(caught.value)) == (403, caught.value.message)
    return caught.value.code


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("GET", "/bucket/a%20b/%C3%BC%2Bc.txt", "s3"),
        ("GET", "/bucket?list-type=2&prefix=a%2Fb&delimiter=", "s3"),
        ("GET", "/bucket?versions&b=2&a=1&a=0", "s3"),
        ("PUT", "/bucket/key", "s3"),
        ("PUT", "/bucket/a~b//c", "s3"),
        ("POST", "/", "sagemaker"),
        ("POST", "/endpoints/a%20b/invocations", "sagemaker"),
        ("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda/~", "lambda"),
    ],
)
def test_what_botocore_signs_is_accepted(method: str, path: str, service: str) -> None:
    check(sign(method, path, service, b"body"))


def test_spaces_around_and_within_a_signed_header_do_not_matter() -> None:
    request = sign(service="sqs", headers={"X-Amz-Meta": "  one   two "})
    check(request.changed(x_amz_meta="one two"))


def test_a_header_that_is_signed_as_empty_may_be_missing() -> None:
    request = sign(service="sqs", headers={"Accept": ""})
    check(replace(request, headers={name: value for name, value in request.headers.items() if name != "accept"}))


def test_the_published_example_is_accepted() -> None:
    # AWS General Reference, "Signature Version 4 signing process": the IAM ListUsers example.
    headers = {
        "host": "iam.amazonaws.com",
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    }
    authorization = parse_authorization(headers)
    check_claims(authorization, headers, "AKIDEXAMPLE", "us-east-1", datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    request = SignedRequest("GET", "/", "Action=ListUsers&Version=2010-05-08", headers)
    verify(request, authorization, sha256(b""), "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    "change",
    [
        lambda request: replace(request, method="PUT"),
        lambda request: replace(request, path="/bucket/two"),
        lambda request: replace(request, query="a=2"),
        lambda request: replace(request, query="a=1&b"),
        lambda request: request.changed(host="127.0.0.1:1"),
        lambda request: request.changed(x_amz_meta="two"),
        lambda request: request.changed(content_type="text/html"),
        lambda request: in_authorization(request, "/sqs/", "/sns/"),
        lambda request: in_authorization(request, "SignedHeaders=", "SignedHeaders=accept;"),
        lambda request: in_authorization(request, "Signature=", f"Signature={'0' * 64}", cut=True),
    ],
)
def test_what_differs_from_what_was_signed_is_refused(change: Callable[[Request], Request]) -> None:
    request = sign("GET", "/bucket/one?a=1", "sqs", headers={"X-Amz-Meta": "one", "Content-Type": "text/plain"})
    check(request)
    assert refusal(change(request)) == "SignatureDoesNotMatch"


def in_authorization(request: Request, old: str, new: str, *, cut: bool = False) -> Request:
    before, found, after = request.headers["authorization"].partition(old)
    assert found
    return request.changed(authorization=f"{before}{new}{'' if cut else after}")


def test_another_secret_is_refused() -> None:
    assert refusal(sign(secret="another")) == "SignatureDoesNotMatch"


def test_another_body_than_was_signed_is_refused() -> None:
    assert refusal(sign(service="sts", body=b"one"), body=b"two") == "SignatureDoesNotMatch"


def test_another_access_key_is_refused() -> None:
    assert refusal(sign(key="another")) == "InvalidClientTokenId"


def test_another_region_is_refused() -> None:
    assert refusal(sign(region="eu-west-1")) == "SignatureDoesNotMatch"


@pytest.mark.parametrize("header", ["host", "content-type", "x-amz-date", "x-amz-meta"])
def test_a_header_that_must_be_signed_and_is_not_is_refused(header: str) -> None:
    request = sign(service="sqs", headers={"X-Amz-Meta": "one", "Content-Type": "text/plain"})
    names = request.headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    without = ";".join(name for name in names.split(";") if name != header)
    with pytest.raises(RequestRefused, match=f"The header {header} is in the request but is not signed"):
        check(in_authorization(request, names, without))


def test_a_header_without_consequence_need_not_be_signed() -> None:
    check(sign().changed(user_agent="a client", content_length="0", x_amzn_trace_id="1"))


MIDNIGHT = datetime(2026, 1, 2, tzinfo=UTC)


def signed_at(monkeypatch: pytest.MonkeyPatch, time: datetime) -> Request:
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: time.replace(tzinfo=None))
    return sign(service="sts")


@pytest.mark.parametrize("seconds", [-901, 901])
def test_a_request_of_another_time_is_refused(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    request = signed_at(monkeypatch, MIDNIGHT)
    assert refusal(request, now=MIDNIGHT + timedelta(seconds=seconds)) == "RequestExpired"


@pytest.mark.parametrize("seconds", [-900, 0, 900])
def test_a_request_of_within_fifteen_minutes_is_accepted(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    check(signed_at(monkeypatch, MIDNIGHT), now=MIDNIGHT + timedelta(seconds=seconds))


def test_a_time_of_another_day_than_the_scopes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    request = signed_at(monkeypatch, MIDNIGHT)
    yesterday = in_authorization(request, "/20260102/", "/20260101/")
    assert refusal(yesterday, now=MIDNIGHT) == "RequestExpired"


@pytest.mark.parametrize("date", ["", "now", "2026-01-02T00:00:00Z", "20261302T000000Z"])
def test_a_time_that_is_none_is_refused(date: str) -> None:
    assert refusal(sign(service="sts").changed(x_amz_date=date)) == "IncompleteSignature"


def test_a_request_without_a_time_is_refused() -> None:
    request = sign(service="sts")
    headers = {name: value for name, value in request.headers.items() if name != "x-amz-date"}
    assert refusal(replace(request, headers=headers)) == "IncompleteSignature"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda text: f"{text}0",
        lambda text: f" {text}",
        lambda text: text[:-1],
        lambda text: text.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        lambda text: text.replace("aws4_request", "aws4"),
        lambda text: text.replace("SignedHeaders", "Headers"),
        lambda text: text.replace("/us-east-1", ""),
        lambda text: text.replace("Credential=", f"Credential={KEY}/20260101/us-east-1/s3/aws4_request, Credential="),
        lambda text: f"{text},{text}",
    ],
)
def test_a_malformed_authorization_is_refused(change: Callable[[str], str]) -> None:
    request = sign(service="sts")
    assert refusal(request.changed(authorization=change(request.headers["authorization"]))) == (
        "MissingAuthenticationToken"
    )


def test_an_unsigned_request_is_refused() -> None:
    assert refusal(Request("GET", "/", "", {"host": "127.0.0.1"})) == "MissingAuthenticationToken"
