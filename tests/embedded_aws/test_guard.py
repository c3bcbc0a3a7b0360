"""The guard, from the outside: who is let in, and how refusals read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
import requests
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from backend.aws.environment import Environment

WEB_PAGE = {"Origin": "https://example.com"}


def url(environment: Environment, service: str = "s3") -> str:
    return str(environment.session.shared_client(service).meta.endpoint_url)


def stranger(environment: Environment, service: str) -> Any:
    """A client with credentials of its own making."""
    return boto3.Session().client(  # type: ignore[call-overload]
        service,
        endpoint_url=url(environment, service),
        region_name="us-east-1",
        aws_access_key_id=environment.account,
        aws_secret_access_key="guessed",
    )


@pytest.mark.parametrize("service", ["s3", "sagemaker"])
@pytest.mark.parametrize(
    "headers",
    [{}, WEB_PAGE, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_an_unsigned_request_is_refused(environment: Environment, service: str, headers: Mapping[str, str]) -> None:
    assert requests.post(url(environment, service), headers=dict(headers), timeout=5).status_code == 403


def test_a_web_page_learns_nothing_from_the_health_path(environment: Environment) -> None:
    health = f"{url(environment)}/_scones/health"
    assert requests.get(health, timeout=5).status_code == 200
    assert requests.get(health, headers=WEB_PAGE, timeout=5).status_code == 403


@pytest.mark.parametrize("service", ["s3", "sagemaker"])
@pytest.mark.parametrize("headers", [WEB_PAGE, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_web_page_or_a_foreign_host_is_refused_even_when_it_is_signed(
    environment: Environment, service: str, headers: dict[str, str]
) -> None:
    status, text = signed_post(environment, service, "/", headers)
    assert (status, "AccessDenied" in text) == (403, True)


def test_ministacks_reset_is_not_served(environment: Environment) -> None:
    status, text = signed_post(environment, "s3", "/_ministack/reset", {})
    assert (status, "/_ministack is not served here" in text) == (403, True)


def signed_post(environment: Environment, service: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and text of the answer to a request with the right signature."""
    request = AWSRequest("POST", f"{url(environment, service)}{path}", headers, b"")
    credentials = environment.session.get_credentials()
    assert credentials is not None
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(credentials, service, environment.region).add_auth(request)
    response = URLLib3Session().send(request.prepare())
    return response.status_code, response.text


@pytest.mark.parametrize(
    ("service", "operation"),
    [("s3", "list_buckets"), ("sts", "get_caller_identity"), ("stepfunctions", "list_state_machines"),
     ("sagemaker", "list_models"), ("cloudformation", "list_stacks")],
)  # fmt: skip
def test_a_refusal_reads_as_the_services_own_errors_do(environment: Environment, service: str, operation: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(stranger(environment, service), operation)()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_a_presigned_url_is_refused(environment: Environment) -> None:
    address = environment.s3.generate_presigned_url("list_buckets")
    assert requests.get(address, timeout=5).status_code == 403


@pytest.mark.parametrize("size", [0, 5, 300_000, 20_000_000])
def test_objects_of_any_size_come_back_as_they_were(environment: Environment, size: int) -> None:
    bucket = "guard-test"
    environment.s3.create_bucket(Bucket=bucket)
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    environment.s3.upload_fileobj(io.BytesIO(content), bucket, "a b/ü+c.bin")  # in parts when it is large
    assert environment.s3.get_object(Bucket=bucket, Key="a b/ü+c.bin")["Body"].read() == content
