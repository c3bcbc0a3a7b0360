"""The running services, from the outside: who is let in, what it costs them, and how refusals read."""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from tests.embedded_aws import signing

pytestmark = pytest.mark.system

BOTH = pytest.mark.parametrize("service", ["s3", "sagemaker"])


def url(environment: Environment, service: str = "s3") -> str:
    return str(environment.session.shared_client(service).meta.endpoint_url)


def stranger(environment: Environment, service: str, **changed: Any) -> Any:
    """A client that is right but for what is changed."""
    ours = environment.session.get_credentials()
    assert ours is not None
    known = {"aws_access_key_id": ours.access_key, "aws_secret_access_key": ours.secret_key}
    options = {"endpoint_url": url(environment, service), "region_name": environment.region, **known}
    return boto3.Session().client(service, **{**options, **changed})  # type: ignore[call-overload]


@BOTH
def test_an_unsigned_request_is_refused(environment: Environment, service: str) -> None:
    assert requests.post(url(environment, service), timeout=5).status_code == 403


@pytest.mark.parametrize(
    ("service", "operation"),
    [("s3", "list_buckets"), ("sts", "get_caller_identity"), ("stepfunctions", "list_state_machines"),
     ("sagemaker", "list_models"), ("cloudformation", "list_stacks"), ("cloudwatch", "list_metrics"),
     ("lambda", "list_functions"), ("sqs", "list_queues")],
)  # fmt: skip
def test_a_client_reads_why_it_is_refused(environment: Environment, service: str, operation: str) -> None:
    getattr(stranger(environment, service), operation)()
    with pytest.raises(ClientError) as caught:
        getattr(stranger(environment, service, aws_secret_access_key="guessed"), operation)()
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    with pytest.raises(ClientError, match="in us-east-1 only: set AWS_REGION"):
        getattr(stranger(environment, service, region_name="eu-west-1"), operation)()


def test_sagemaker_is_not_asked_of_ministack_nor_s3_of_sagemaker(environment: Environment) -> None:
    with pytest.raises(ClientError, match="has it on its other port"):
        stranger(environment, "sagemaker", endpoint_url=url(environment, "s3")).list_models()
    with pytest.raises(ClientError, match="has it on its other port"):
        stranger(environment, "s3", endpoint_url=url(environment, "sagemaker")).list_buckets()


def test_a_presigned_url_is_refused(environment: Environment) -> None:
    address = environment.s3.generate_presigned_url("list_buckets")
    assert requests.get(address, timeout=5).status_code == 403


@pytest.mark.parametrize("size", [0, 5, 300_000, 20_000_000])
@pytest.mark.parametrize("checksums", ["when_supported", "when_required"])
def test_objects_of_any_size_come_back_as_they_were(environment: Environment, size: int, checksums: Any) -> None:
    bucket = "guard-test"
    client = stranger(environment, "s3", config=Config(request_checksum_calculation=checksums))
    client.create_bucket(Bucket=bucket)
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    client.upload_fileobj(io.BytesIO(content), bucket, "a b/ü+c.bin")  # in parts when it is large
    assert client.get_object(Bucket=bucket, Key="a b/ü+c.bin")["Body"].read() == content
    client.copy({"Bucket": bucket, "Key": "a b/ü+c.bin"}, bucket, "copy")  # its source is a signed header
    assert client.head_object(Bucket=bucket, Key="copy")["ContentLength"] == size


@pytest.mark.skipif(sys.platform != "linux", reason="a process's peak of memory is read from Linux's /proc")
@pytest.mark.parametrize("service", ["s3", "sagemaker", "lambda"])  # Lambda's bodies may be large, and unsaid in hash
@pytest.mark.parametrize("authorization", ["none", "malformed", "another key", "guessed secret"])
def test_300_megabytes_of_a_strangers_body_cost_the_service_next_to_nothing(
    environment: Environment, service: str, authorization: str
) -> None:
    address = urlsplit(url(environment, service))
    process = listener(address.port)
    before = forget_peak(process)
    refused = send_body(address.netloc, headers_of(address.netloc, service, authorization), 300 << 20)
    assert refused.split(b" ")[1] in (b"403", b"400", b"413")
    assert peak(process) - before < 20 << 20


def headers_of(host: str, service: str, authorization: str) -> dict[str, str]:
    if authorization == "none":
        return {"host": host}
    if authorization == "malformed":
        return {"host": host, "authorization": "AWS4-HMAC-SHA256 Credential=x"}
    change = {"key": "stranger"} if authorization == "another key" else {"secret": "guessed"}
    return dict(signing.sign(service=service, host=host, **change).headers)  # type: ignore[arg-type]


def send_body(host: str, headers: dict[str, str], size: int) -> bytes:
    """Send a body in chunks, so of a size that is not said; returns the start of the answer."""
    name, _, port = host.partition(":")
    lines = [f"{key}: {value}" for key, value in {**headers, "transfer-encoding": "chunked"}.items()]
    with socket.create_connection((name, int(port)), timeout=60) as connection:
        connection.sendall(("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
        piece = bytes(1 << 20)
        chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
        for _ in range(size // len(piece)):
            connection.sendall(chunk)
        return connection.recv(4096)


def listener(port: int | None) -> psutil.Process:
    """The process that serves a port."""
    children = psutil.Process().children(recursive=True)
    return next(c for c in children if any(s.laddr.port == port and s.status == "LISTEN" for s in c.net_connections()))


def forget_peak(process: psutil.Process) -> int:
    """Let the peak be what the process holds now, and return it in bytes. See proc(5), clear_refs."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    return peak(process)


def peak(process: psutil.Process) -> int:
    """Bytes that the process has held at the most."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10
