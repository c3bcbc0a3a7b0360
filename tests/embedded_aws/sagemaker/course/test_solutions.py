"""The course's solutions, unchanged but for the endpoint's name, with boto3 against the embedded AWS."""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.course import solutions

pytestmark = pytest.mark.system

ROLE_ARN = "arn:aws:iam::000000000000:role/any"
TIMEOUT = 240.0
SURE, UNSURE = "0.0", "1.0"  # thresholds that every answer is above, and none


class Course:
    """A solution's Lambdas, its state machine, and images in a bucket that differ in every pixel."""

    def __init__(self, environment: Environment, bucket: str, endpoint: str) -> None:
        self._environment = environment
        self._bucket = bucket
        self._endpoint = endpoint
        self._functions: dict[str, str] = {}
        self._machines: list[str] = []

    def machine(self, make: Callable[[list[str]], str], threshold: str = SURE) -> str:
        """The ARN of a state machine of this making."""
        codes = (solutions.SERIALIZE, solutions.CLASSIFY % self._endpoint, solutions.FILTER % threshold)
        arns = [self._function(code) for code in codes]
        created = self._environment.stepfunctions.create_state_machine(
            name=f"course-{uuid.uuid4().hex[:8]}", definition=make(arns), roleArn=ROLE_ARN
        )
        self._machines.append(created["stateMachineArn"])
        return created["stateMachineArn"]

    def images(self, count: int) -> list[tuple[dict[str, Any], str]]:
        """The input for each of so many images, as the course words it, and the image in base64."""
        return [self._image(number) for number in range(count)]

    def run(self, machine: str, inputs: list[Any]) -> list[dict[str, Any]]:
        """Start an execution for each input, all at once, and describe them at their ends."""
        client = self._environment.stepfunctions
        arns = [
            client.start_execution(stateMachineArn=machine, input=json.dumps(content))["executionArn"]
            for content in inputs
        ]
        deadline = time.monotonic() + TIMEOUT
        while client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return [dict(client.describe_execution(executionArn=arn)) for arn in arns]

    def delete(self) -> None:
        for arn in self._machines:
            self._environment.stepfunctions.delete_state_machine(stateMachineArn=arn)
        for arn in self._functions.values():
            self._environment.lambda_.delete_function(FunctionName=arn)

    def _function(self, code: str) -> str:
        """The ARN of the function of this code: solutions have two of the three in common, and each start takes CPU."""
        if code not in self._functions:
            self._functions[code] = self._create(code)
        return self._functions[code]

    def _create(self, code: str) -> str:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("lambda_function.py", code)
        function = self._environment.lambda_.create_function(
            FunctionName=f"course-{uuid.uuid4().hex[:12]}",
            Runtime="python3.8",  # as published; what there is runs it, as AWS would have to be asked to
            Role=ROLE_ARN,
            Handler="lambda_function.lambda_handler",
            Code={"ZipFile": content.getvalue()},
            Timeout=60,
        )
        return function["FunctionArn"]

    def _image(self, number: int) -> tuple[dict[str, Any], str]:
        content = io.BytesIO()
        Image.new("RGB", (32, 32), (number * 2, 255 - number * 2, 7)).save(content, "PNG")
        key = f"test/bicycle_s_{number:06}.png"
        self._environment.s3.put_object(Bucket=self._bucket, Key=key, Body=content.getvalue())
        event = {"image_data": "", "s3_bucket": self._bucket, "s3_key": key}
        return event, base64.b64encode(content.getvalue()).decode()


@pytest.fixture(scope="module")
def course(environment: Environment, bucket: str, real_endpoint: str) -> Iterator[Course]:
    opened = Course(environment, bucket, real_endpoint)
    yield opened
    opened.delete()


@pytest.mark.parametrize("make", [solutions.by_retry, solutions.by_catch, solutions.in_jsonata])
def test_every_execution_classifies_its_own_image(course: Course, make: Callable[[list[str]], str]) -> None:
    images = course.images(6)
    ended = course.run(course.machine(make), [event for event, _ in images])
    assert {execution["status"] for execution in ended} == {"SUCCEEDED"}
    outputs = [json.loads(execution["output"])["body"] for execution in ended]
    assert [output["image_data"] for output in outputs] == [image for _, image in images]
    assert [output["s3_key"] for output in outputs] == [event["s3_key"] for event, _ in images]
    assert all(sum(json.loads(output["inferences"])) == pytest.approx(1) for output in outputs)


@pytest.mark.slow
def test_a_hundred_executions_at_once_classify_their_own_images(course: Course) -> None:
    images = course.images(100)
    ended = course.run(course.machine(solutions.by_retry), [event for event, _ in images])
    assert {execution["status"] for execution in ended} == {"SUCCEEDED"}
    assert [json.loads(execution["output"])["body"]["image_data"] for execution in ended] == [
        image for _, image in images
    ]


def test_a_map_classifies_each_image_once(course: Course) -> None:
    images = course.images(8)
    [ended] = course.run(course.machine(solutions.with_map), [{"images": [event for event, _ in images]}])
    assert ended["status"] == "SUCCEEDED"
    outputs = json.loads(ended["output"])
    assert [output["body"]["image_data"] for output in outputs] == [image for _, image in images]


@pytest.mark.parametrize("make", [solutions.by_retry, solutions.in_jsonata])
def test_a_threshold_that_is_not_met_fails_under_the_exceptions_name(
    course: Course, make: Callable[[list[str]], str]
) -> None:
    [(event, _)] = course.images(1)
    [ended] = course.run(course.machine(make, UNSURE), [event])
    assert (ended["status"], ended["error"]) == ("FAILED", "ThresholdConfidenceNotMet")
    assert json.loads(ended["cause"])["errorMessage"] == "THRESHOLD_CONFIDENCE_NOT_MET"


def test_a_threshold_that_is_not_met_is_caught_by_its_name(course: Course) -> None:
    [(event, _)] = course.images(1)
    [ended] = course.run(course.machine(solutions.by_catch, UNSURE), [event])
    assert (ended["status"], ended["error"]) == ("FAILED", "NotSure")


def test_a_threshold_that_is_not_met_is_tried_again_by_its_name(course: Course, environment: Environment) -> None:
    [(event, _)] = course.images(1)
    [ended] = course.run(course.machine(solutions.by_retry_of_its_own, UNSURE), [event])
    assert (ended["status"], ended["error"]) == ("FAILED", "ThresholdConfidenceNotMet")
    pages = environment.stepfunctions.get_paginator("get_execution_history").paginate(
        executionArn=ended["executionArn"]
    )
    assert [item["type"] for item in pages.build_full_result()["events"]].count("TaskFailed") == 3
