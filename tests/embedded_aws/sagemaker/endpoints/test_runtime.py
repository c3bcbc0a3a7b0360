"""InvokeEndpoint: what a container is told, what a client is told, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.served import ServedSageMaker

LIMIT = 6_291_456
"""Bytes of a body; source: SageMaker's quotas, and the model of its runtime API."""


@pytest.fixture(scope="module")
def echo(served: ServedSageMaker) -> str:
    """An endpoint that answers with what its container was told."""
    return served.serving(served.config_of(echo=True))


def told(served: ServedSageMaker, endpoint: str, **members: Any) -> dict[str, str]:
    """The headers that the container saw."""
    headers: dict[str, str] = json.loads(served.invoke(endpoint, **members)["Body"])["headers"]
    return headers


def test_the_container_is_told_what_the_client_said(served: ServedSageMaker, echo: str) -> None:
    headers = told(
        served,
        echo,
        ContentType="text/csv; charset=utf-8",
        Accept="application/jsonlines",
        CustomAttributes="trace=17",
        InferenceId="order 17",
    )
    expected = {
        "content-type": "text/csv; charset=utf-8",
        "accept": "application/jsonlines",
        "x-amzn-sagemaker-custom-attributes": "trace=17",
        "x-amzn-sagemaker-inference-id": "order 17",
    }
    assert expected.items() <= headers.items()


def test_the_container_is_told_nothing_else_of_the_request(served: ServedSageMaker, echo: str) -> None:
    headers = told(served, echo, TargetVariant="AllTraffic")
    assert not {"authorization", "x-amz-date", "x-amzn-sagemaker-target-variant"} & headers.keys()
    assert not {name for name in headers if name.startswith("x-amzn-sagemaker-")}


def test_the_container_sees_nothing_that_leads_to_aws(served: ServedSageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the service's own")
    name = served.serving(served.config_of(echo=True))
    variables = json.loads(served.invoke(name)["Body"])["variables"]
    assert not {name for name in variables if name.startswith("AWS_")}


def test_the_answer_says_who_answered_and_how(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of(answer="a,b", type="text/csv", attributes="Trace ID: 17"))
    answer = served.invoke(name, CustomAttributes="17")
    assert answer["Body"] == b"a,b"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "Trace ID: 17"
    assert answer["ResponseMetadata"]["RequestId"]


def test_attributes_that_the_model_does_not_return_are_not_returned(served: ServedSageMaker, echo: str) -> None:
    """Source: API reference, InvokeEndpoint: the code in the model is responsible for them."""
    assert "CustomAttributes" not in served.invoke(echo, CustomAttributes="trace=17")


def test_a_body_may_have_six_mebibytes(served: ServedSageMaker, echo: str) -> None:
    assert json.loads(served.invoke(echo, Body=bytes(LIMIT))["Body"])["size"] == LIMIT


def test_a_larger_body_is_refused(served: ServedSageMaker, echo: str) -> None:
    with refused("ValidationError", "6291456 bytes"):
        served.invoke(echo, Body=bytes(LIMIT + 1))


def test_an_empty_body_is_passed_on(served: ServedSageMaker, echo: str) -> None:
    assert json.loads(served.invoke(echo, Body=b"")["Body"])["size"] == 0


@pytest.mark.parametrize(("status", "kind"), [(400, "client"), (415, "client"), (500, "server"), (503, "server")])
def test_what_the_container_refuses_is_a_model_error(served: ServedSageMaker, status: int, kind: str) -> None:
    name = served.serving(served.config_of(status=status, answer="no such thing", type="text/plain"))
    with pytest.raises(served.runtime.exceptions.ModelError) as caught:
        served.invoke(name)
    response: Any = caught.value.response
    group = f"/aws/sagemaker/Endpoints/{name}"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"] == "no such thing"
    assert response["LogStreamArn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}"
    expected = f'Received {kind} error ({status}) from primary with message "no such thing". See '
    assert response["Error"]["Message"].startswith(expected)
    assert response["ResponseMetadata"]["RequestId"]
    served.sagemaker.delete_endpoint(EndpointName=name)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"InferenceId": "x" * 65}, "InferenceId must have 1 to 64 printable ASCII characters."),
        ({"CustomAttributes": "x" * 1025}, "CustomAttributes must have at most 1024 ASCII characters."),
        ({"TargetModel": "other.tar.gz"}, "does not support TargetModel"),
        ({"TargetContainerHostname": "second"}, "does not support TargetContainerHostname"),
        ({"InferenceComponentName": "component"}, "does not support InferenceComponentName"),
        ({"EnableExplanations": "`true`"}, "does not support EnableExplanations"),
        ({"SessionId": "NEW_SESSION"}, "does not support SessionId"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    served: ServedSageMaker, echo: str, members: dict[str, str], message: str
) -> None:
    with refused("ValidationError", message):
        served.invoke(echo, **members)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Amzn-SageMaker-Inference-Id", "caf\xe9"),
        ("X-Amzn-SageMaker-Inference-Id", ""),
        ("X-Amzn-SageMaker-Custom-Attributes", "caf\xe9"),
    ],
)
def test_headers_that_boto3_would_not_send_are_refused(
    served: ServedSageMaker, echo: str, header: str, value: str
) -> None:
    url = f"{served.runtime.meta.endpoint_url}/endpoints/{echo}/invocations"
    response = URLLib3Session().send(AWSRequest("POST", url, {header: value}, b"{}").prepare())
    assert response.status_code == 400
    assert response.headers["x-amzn-ErrorType"] == "ValidationError"


def test_an_endpoint_that_is_not_there_is_not_found(served: ServedSageMaker, unique_name: str) -> None:
    with refused("ValidationError", f"Endpoint {unique_name} of account 000000000000 not found."):
        served.invoke(unique_name)


def test_other_ways_to_invoke_are_not_implemented(served: ServedSageMaker, echo: str) -> None:
    with pytest.raises(ClientError) as caught:
        served.runtime.invoke_endpoint_async(EndpointName=echo, InputLocation="s3://bucket/key")
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
