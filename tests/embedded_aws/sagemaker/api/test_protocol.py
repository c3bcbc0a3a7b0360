"""AWS JSON 1.1 on the wire."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.conformance import Post
from tests.embedded_aws.sagemaker.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def test_every_answer_has_a_request_id_of_its_own(sagemaker: SageMakerClient) -> None:
    ids = {sagemaker.list_models()["ResponseMetadata"]["RequestId"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id) for request_id in ids)


def test_an_error_is_named_in_the_body(post: Post) -> None:
    status, answer = post("DescribeModel", {"ModelName": "none"})
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert answer["message"] == 'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/none".'


def test_an_error_that_the_model_declares_says_its_message_as_declared(post: Post) -> None:
    assert post("DescribeTrainingJob", {"TrainingJobName": "none"}) == (
        400,
        {"__type": "ResourceNotFound", "Message": "Requested resource not found."},
    )


def test_an_operation_that_is_not_implemented_names_those_that_are(sagemaker: SageMakerClient) -> None:
    with refused("UnknownOperationException", "does not implement ListProcessingJobs"):
        sagemaker.list_processing_jobs()
    with refused("UnknownOperationException", "AddTags, CreateEndpoint"):
        sagemaker.list_processing_jobs()


def test_a_word_that_is_no_operation_is_refused(post: Post) -> None:
    status, answer = post("MakeCoffee", {})
    assert (status, answer["__type"]) == (400, "UnknownOperationException")


def test_an_operation_with_a_path_of_its_own_is_refused_as_clearly(environment: Environment) -> None:
    with refused("UnknownOperationException", "does not answer POST /endpoints/some/async-invocations"):
        environment.sagemaker_runtime.invoke_endpoint_async(EndpointName="some", InputLocation="s3://bucket/key")


def test_a_body_that_is_not_json_is_refused(post: Post) -> None:
    for body in (b"{", b"[]", b"\xff", b"[" * 100_000):
        status, answer = post("ListModels", body)
        assert (status, answer["__type"]) == (400, "SerializationException")


def test_no_body_at_all_is_an_empty_request(post: Post) -> None:
    status, answer = post("ListModels", b"")
    assert status == 200
    assert "Models" in answer


def test_times_are_epoch_seconds(post: Post, model: str) -> None:
    _, answer = post("DescribeModel", {"ModelName": model})
    assert 1.6e9 < answer["CreationTime"] < 1e10
