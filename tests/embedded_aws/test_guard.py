"""The guard alone: each test signs a request that would be let in, and changes one thing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import unescape

import pytest
from botocore import parsers
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import get_session

from embedded_aws import scopes
from embedded_aws.guard import Guard
from tests.embedded_aws import signing
from tests.embedded_aws.signing import HOST, Answer, Request, ask, sign


def without(request: Request, header: str) -> Request:
    return replace(request, headers={name: value for name, value in request.headers.items() if name != header})


GUARDS = pytest.mark.parametrize(("guard", "service"), [("ministack", "s3"), ("ministack", "sqs"), ("sagemaker",) * 2])


def error_code(answer: Answer) -> str:
    """The code of a JSON or XML error."""
    text = answer.body.decode()
    return str(json.loads(text)["__type"]) if text.startswith("{") else text.split("<Code>")[1].split("</Code>")[0]


def error_message(answer: Answer) -> str:
    text = answer.body.decode()
    if text.startswith("{"):
        return str(json.loads(text)["message"])
    return unescape(text.split("<Message>")[1].split("</Message>")[0])


# Who asks, and where


@GUARDS
@pytest.mark.parametrize("host", [HOST, "localhost:4566"])
def test_a_signed_request_is_let_in_with_its_body(guard: str, service: str, host: str) -> None:
    answer = ask(sign(service=service, body=b"what was sent", host=host), service=guard)
    assert (answer.is_let_in, answer.body) == (True, b"what was sent")
    assert ask(sign("GET", "/a%20b?c=d%20e", service, host=host), service=guard).is_let_in


@GUARDS
@pytest.mark.parametrize("host", ["evil.example", "evil.example:4566", "127.0.0.1", "127.0.0.1:4567", "localhost"])
def test_another_host_is_refused(guard: str, service: str, host: str) -> None:
    answer = ask(sign(service=service, host=host), service=guard)
    assert (answer.status, error_code(answer), answer.reached_service) == (403, "AccessDenied", False)


@GUARDS
def test_a_request_without_a_host_is_refused(guard: str, service: str) -> None:
    assert error_code(ask(without(sign(service=service), "host"), service=guard)) == "AccessDenied"


@GUARDS
@pytest.mark.parametrize(
    "header",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": f"http://{HOST}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_web_page_is_refused(guard: str, service: str, header: dict[str, str]) -> None:
    answer = ask(sign(service=service, headers=header), service=guard)
    assert (answer.status, error_code(answer), answer.reached_service) == (403, "AccessDenied", False)


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset", "/_ministack", "/%5Fministack/reset", "/%5fministack/reset", "/_ministack%2Freset",
        "//_ministack/reset", "/./_ministack/reset", "/a/../_ministack/reset", "/%2E%2E/_ministack/reset",
        "/_MINISTACK/reset", "/%255Fministack/reset", "/%252F_ministack/reset", "/a/%2e%2e/_ministack/reset",
        "/_localstack/health", "/_aws/sqs/messages",
    ],
)  # fmt: skip
def test_ministacks_own_doors_are_shut(path: str) -> None:
    answer = ask(sign(path=path))
    assert (answer.status, error_code(answer), answer.reached_service) == (403, "AccessDenied", False)


@pytest.mark.parametrize("path", ["/bucket/_ministack/reset", "/bucket//a/./b", "/bucket/%25", "/bucket/a%2F_b", "/"])
def test_keys_may_look_like_them(path: str) -> None:
    assert ask(sign("GET", path)).is_let_in


def test_the_health_path_answers_without_a_signature_but_no_web_page() -> None:
    health = Request("GET", "/_scones/health", "", {"host": HOST})
    answer = ask(health)
    assert (answer.status, answer.content_type, answer.body) == (200, "text/plain", b"instance")
    assert not answer.reached_service
    assert ask(health.changed(sec_fetch_site="none")).status == 200  # typed into a browser by its user
    assert ask(health.changed(origin="https://example.com")).status == 403
    assert ask(health.changed(host="evil.example")).status == 403


def test_only_http_and_the_lifespan_reach_the_service() -> None:
    reached: list[Any] = []

    async def service(scope: Any, receive: Any, send: Any) -> None:
        reached.append((scope["type"], receive, send))

    async def unused(*_: Any) -> Any:
        raise AssertionError("nothing is to be received or sent")

    guard = Guard(service, signing.SECRET, signing.PORT, "instance", scopes.sagemaker)
    for kind in ("lifespan", "websocket"):
        asyncio.run(guard({"type": kind, "headers": []}, unused, unused))
    assert reached == [("lifespan", unused, unused)]


# Who signed, when, and for what


@GUARDS
def test_an_unsigned_request_is_refused(guard: str, service: str) -> None:
    answer = ask(Request("POST", "/", "", {"host": HOST}), service=guard)
    assert (answer.status, error_code(answer)) == (403, "MissingAuthenticationToken")


@GUARDS
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "AKIDSTRANGER"}, "InvalidClientTokenId"),
        ({"secret": "guessed"}, "SignatureDoesNotMatch"),
        ({"region": "eu-west-1"}, "SignatureDoesNotMatch"),
    ],
)
def test_another_key_secret_or_region_is_refused(guard: str, service: str, change: dict[str, Any], code: str) -> None:
    answer = ask(sign(service=service, **change), service=guard)
    assert (answer.status, error_code(answer), answer.reached_service) == (403, code, False)


def test_a_refusal_for_its_region_says_what_to_set() -> None:
    assert b"'eu-west-1'" in (refusal := ask(sign(region="eu-west-1")).body) and b"AWS_REGION" in refusal


@GUARDS
@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_of_another_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, guard: str, service: str, minutes: int
) -> None:
    then = (datetime.now(UTC) + timedelta(minutes=minutes)).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: then)
    assert error_code(ask(sign(service=service), service=guard)) == "RequestExpired"


@pytest.mark.parametrize("service", ["s3", "sqs", "lambda", "states"])
def test_what_is_signed_for_another_service_does_not_reach_sagemaker(service: str) -> None:
    answer = ask(sign(service=service), service="sagemaker")
    assert (answer.status, error_code(answer), answer.reached_service) == (403, "SignatureDoesNotMatch", False)


@pytest.mark.parametrize("service", ["sagemaker", "no-such-service"])
def test_what_is_signed_for_no_service_of_ministack_does_not_reach_it(service: str) -> None:
    answer = ask(sign(service=service))
    assert (answer.status, error_code(answer), answer.reached_service) == (403, "SignatureDoesNotMatch", False)


def test_what_is_signed_for_s3_does_not_drive_another_service() -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.ListTables"}
    assert ask(sign(service="dynamodb", headers=target)).is_let_in
    answer = ask(sign(service="s3", headers=target))
    assert (error_code(answer), answer.reached_service) == ("SignatureDoesNotMatch", False)


# What is signed


@GUARDS
@pytest.mark.parametrize(
    "header",
    [
        {"x_amz_target": "AmazonSQS.ListQueues"},
        {"x_amz_copy_source": "/other/key"},
        {"x_amz_anything": ""},
        {"content_type": "text/plain"},
    ],
)
def test_a_header_added_after_signing_is_refused(guard: str, service: str, header: dict[str, str]) -> None:
    answer = ask(sign(service=service).changed(**header), service=guard)
    assert (answer.status, error_code(answer), answer.reached_service) == (403, "SignatureDoesNotMatch", False)


@GUARDS
def test_other_headers_may_be_added(guard: str, service: str) -> None:
    assert ask(sign(service=service).changed(user_agent="a proxy", x_amzn_trace_id="1"), service=guard).is_let_in


def test_a_header_that_comes_twice_is_signed_as_one() -> None:
    request = sign(headers={"X-Amz-Meta": "one,two"})
    assert ask(request.changed(x_amz_meta="one\ntwo")).is_let_in
    assert not ask(request.changed(x_amz_meta="one\ntwo\nthree")).reached_service


@GUARDS
def test_another_body_than_was_signed_is_refused(guard: str, service: str) -> None:
    answer = ask(replace(sign(service=service, body=b"one"), body=b"two"), service=guard)
    code = "XAmzContentSHA256Mismatch" if service == "s3" else "SignatureDoesNotMatch"
    assert (answer.status, error_code(answer), answer.reached_service) == (403, code, False)


@pytest.mark.parametrize("payload", ["UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"])
def test_s3_takes_a_body_that_is_said_to_be_unsigned(payload: str) -> None:
    request = sign_with_payload(payload, "s3")
    assert ask(replace(request, body=b"any")).is_let_in
    assert not ask(replace(request, path="/another")).reached_service


def test_no_other_service_does() -> None:
    answer = ask(replace(sign_with_payload("UNSIGNED-PAYLOAD", "sqs"), body=b"any"))
    assert (error_code(answer), answer.reached_service) == ("XAmzContentSHA256Mismatch", False)


def sign_with_payload(payload: str, service: str) -> Request:
    """S3's signer takes the hash from this header when it may not read the body; so does the one of all others."""
    request = AWSRequest("PUT", f"http://{HOST}/b/k", {"Host": HOST, "X-Amz-Content-SHA256": payload}, b"")
    signer = SigV4Auth(Credentials(signing.KEY, signing.SECRET), service, "us-east-1")
    signer.payload = lambda request: payload  # type: ignore[method-assign]  # noqa: ARG005
    signer.add_auth(request)
    return Request("PUT", "/b/k", "", {name.lower(): value for name, value in request.headers.items()})


def test_s3_must_state_the_hash_of_the_body() -> None:
    answer = ask(without(sign(), "x-amz-content-sha256"))
    assert (answer.status, error_code(answer), answer.reached_service) == (400, "InvalidRequest", False)


# What is read before it is known who asks


@GUARDS
@pytest.mark.parametrize(
    "change",
    [
        {"host": "evil.example"},
        {"headers": {"Origin": "https://example.com"}},
        {"key": "AKIDSTRANGER"},
        {"region": "eu-west-1"},
        {"path": "/_ministack/reset"},
    ],
)
def test_nothing_is_read_of_a_body_whose_headers_are_refused(guard: str, service: str, change: dict[str, Any]) -> None:
    answer = ask(sign(service=service, body=b"body", **change), service=guard)
    assert (answer.status, answer.read) == (403, 0)


def test_nothing_is_read_of_a_body_whose_stated_hash_is_wrongly_signed() -> None:
    answer = ask(sign(body=b"body", secret="guessed"))
    assert (answer.status, answer.read) == (403, 0)


LIMITS = pytest.mark.parametrize(
    ("guard", "service", "limit", "status", "code"),
    [
        # AWS Lambda: "Request must be smaller than 70167211 bytes for the CreateFunction operation"; it answers 413.
        ("ministack", "lambda", 70_167_211, 413, "RequestEntityTooLargeException"),
        # Amazon DynamoDB, BatchWriteItem: 16 MB.
        ("ministack", "dynamodb", 16 << 20, 413, "RequestEntityTooLargeException"),
        ("sagemaker", "sagemaker", 16 << 20, 413, "RequestEntityTooLargeException"),
        # Amazon S3 user guide: one PUT takes up to 5 GB; its API reference: EntityTooLarge is 400.
        ("ministack", "s3", 5 << 30, 400, "EntityTooLarge"),
    ],
)  # fmt: skip


@LIMITS
def test_a_body_that_is_said_to_be_too_large_is_refused_unread(
    guard: str, service: str, limit: int, status: int, code: str
) -> None:
    answer = ask(sign(service=service).changed(content_length=str(limit + 1)), service=guard)
    assert (answer.status, error_code(answer), answer.read) == (status, code, 0)
    assert str(limit) in answer.body.decode()
    assert ask(sign(service=service).changed(content_length=str(limit)), service=guard).is_let_in


@pytest.mark.parametrize(("service", "megabytes", "limit"), [("sqs", 17, 16 << 20), ("lambda", 67, 70_167_211)])
def test_a_body_of_unknown_size_is_counted_while_it_is_read(service: str, megabytes: int, limit: int) -> None:
    answer = ask(sign(service=service), pieces=[bytes(1 << 20)] * (megabytes + 1))
    assert (answer.status, error_code(answer), answer.read) == (413, "RequestEntityTooLargeException", megabytes << 20)
    assert f"smaller than {limit} bytes" in answer.body.decode()


@pytest.mark.parametrize("service", ["s3", "lambda"])
def test_what_is_larger_than_most_services_take_is_let_in_to_those_that_take_it(service: str) -> None:
    pieces = [bytes(1 << 20)] * 17
    assert ask(sign(service=service, body=b"".join(pieces)), pieces=pieces).is_let_in


@pytest.mark.parametrize("service", ["s3", "sqs"])
@pytest.mark.parametrize(
    ("size", "pieces_of"),
    [(0, [0]), ((1 << 20) - 1, [(1 << 20) - 1]), (1 << 20, [1 << 20]), ((3 << 20) + 1, [1 << 20] * 3 + [1])],
)
def test_a_body_comes_as_it_was_sent_in_pieces_of_a_megabyte(service: str, size: int, pieces_of: list[int]) -> None:
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    sent = [body[start : start + 65_537] for start in range(0, size, 65_537)]
    answer = ask(sign(service=service, body=body), pieces=sent or [b""])
    assert ([len(piece) for piece in answer.pieces], answer.body == body) == (pieces_of, True)


@pytest.mark.parametrize("service", ["s3", "sqs"])
def test_a_request_that_ends_before_its_body_is_refused(service: str) -> None:
    answer = ask(sign(service=service, body=b"body"), pieces=[])
    assert (answer.status, error_code(answer), answer.reached_service) == (400, "RequestTimeout", False)


# How a refusal reads


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/x-amz-json-1.0"}


@pytest.mark.parametrize(
    ("service_name", "protocol", "signed_for", "headers", "content_type"),
    [
        ("s3", "rest-xml", "s3", {}, "application/xml"),
        ("cloudformation", "query", "cloudformation", FORM, "text/xml"),
        ("lambda", "rest-json", "lambda", {}, "application/x-amz-json-1.1"),
        ("stepfunctions", "json", "states", JSON, "application/x-amz-json-1.1"),
        ("cloudwatch", "smithy-rpc-v2-cbor", "monitoring", {"Smithy-Protocol": "rpc-v2-cbor"}, "application/cbor"),
    ],
)  # fmt: skip
def test_a_refusal_reads_as_the_services_own_errors_do(
    service_name: str, protocol: str, signed_for: str, headers: dict[str, str], content_type: str
) -> None:
    answer = ask(sign(service=signed_for, headers=headers, key="<stranger>"))
    model = get_session().get_service_model(service_name)
    response = {"status_code": answer.status, "headers": {"content-type": answer.content_type}, "body": answer.body}
    shape = model.operation_model(model.operation_names[0]).output_shape
    assert shape is not None
    error = parsers.create_parser(protocol).parse(response, shape)["Error"]
    message = "The security token included in the request is invalid."
    assert (error["Code"], error["Message"], answer.content_type) == ("InvalidClientTokenId", message, content_type)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (sign(host="evil.example"), "This service answers on 127.0.0.1 only."),
        (sign(headers={"Origin": "null"}), "This service does not answer web pages."),
        (sign(path="/_ministack"), "Paths that begin with /_ are not served here."),
        (Request("GET", "/", "", {"host": HOST}), "Requests must be signed with AWS Signature Version 4."),
        (sign(secret="guessed"), ("The request signature we calculated does not match the signature you provided. "
         "Use the variables that this embedded AWS printed.")),
        (sign(region="eu-west-1"), ("Credential should be scoped to a valid region, not 'eu-west-1'. The embedded AWS "
         "is in us-east-1 only: set AWS_REGION, or the client's region, to it.")),
        (sign(service="ours"), ("Credential should be scoped to the service that is asked, not 'ours'. If the client "
         "is right, the embedded AWS does not have this service, or has it on its other port.")),
        (sign().changed(x_amz_acl="private"), "The header x-amz-acl is in the request but is not signed."),
        (sign().changed(x_amz_date="now"), "The header X-Amz-Date is missing or wrong."),
        (sign().changed(x_amz_date="20200101T000000Z"), "The request's time is too far from this machine's."),
        (replace(sign(), body=b"another"), "The body is not the one that was signed."),
        (without(sign(), "x-amz-content-sha256"),
         "Missing required header for this request: x-amz-content-sha256"),
        (sign().changed(content_length="5368709121"), ("Your proposed upload exceeds the maximum allowed size of "
         "5368709120 bytes: upload it in parts.")),
        (sign(service="sqs").changed(content_length="16777217"), "Request must be smaller than 16777216 bytes."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong(request_: Request, message: str) -> None:
    assert error_message(ask(request_)) == message


def test_a_request_that_is_cut_off_is_told_so() -> None:
    answer = ask(sign(service="sqs", body=b"body"), pieces=[])
    assert error_message(answer) == "The request ended before its body."


def test_what_a_stranger_sent_does_not_become_part_of_the_xml() -> None:
    answer = ask(sign(region="<Code>"))
    assert b"&lt;Code&gt;" in answer.body
