"""What AWS itself says of a project, asked with boto3: what pages must show."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from backend.aws.environment import Environment


@dataclass(frozen=True)
class Captured:
    """A record in a capture file; `attributes` have the image's key where the workflow asked."""

    inference_id: str
    probabilities: list[float]
    image: bytes
    attributes: str

    @property
    def confidence(self) -> float:
        return max(self.probabilities)


def keys(project: Environment, prefix: str = "") -> list[str]:
    """The keys in the project's bucket that begin with a prefix."""
    pages = project.s3.get_paginator("list_objects_v2").paginate(Bucket=project.bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", [])]


def content(project: Environment, key: str) -> bytes:
    return project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()


def current_dataset(project: Environment) -> str:
    """The id of the dataset that the next steps use."""
    return str(json.loads(content(project, "datasets/current.json"))["dataset_id"])


def keys_of_test_images(project: Environment) -> set[str]:
    """The keys of the test images of the current dataset."""
    return set(keys(project, f"datasets/{current_dataset(project)}/test/"))


def captured(project: Environment) -> list[Captured]:
    """Every record in the capture files."""
    lines = (line for key in keys(project, "data_capture/") for line in content(project, key).splitlines())
    return [_captured(json.loads(line)) for line in lines]


def execution_arns(project: Environment) -> dict[str, str]:
    """The arns of all executions by name, newest first."""
    arn = f"arn:aws:states:{project.region}:{project.account}:stateMachine:{project.project}"
    pages = project.stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=arn)
    return {item["name"]: item["executionArn"] for page in pages for item in page["executions"]}


def execution(project: Environment, name: str) -> dict[str, Any]:
    """What DescribeExecution says, with `verdict` read from its output or its cause."""
    described: dict[str, Any] = dict(
        project.stepfunctions.describe_execution(executionArn=execution_arns(project)[name])
    )
    is_rejected = described.get("error") in ("THRESHOLD_CONFIDENCE_NOT_MET", "NOT_A_KNOWN_CLASS")
    text = described["cause"].rpartition(" Verdict: ")[2] if is_rejected else described["output"]
    return described | {"verdict": json.loads(text)}


def submitted_keys(project: Environment, names: set[str]) -> list[str]:
    """The keys of the images that these executions were given."""
    return [json.loads(execution(project, name)["input"])["s3_key"] for name in sorted(names)]


def threshold(project: Environment) -> float:
    """The threshold that the Lambda judges by."""
    function = project.lambda_.get_function_configuration(FunctionName=f"{project.project}-filter-inference")
    return float(function["Environment"]["Variables"]["THRESHOLD"])


def _captured(record: dict[str, Any]) -> Captured:
    data = record["captureData"]
    return Captured(
        record["eventMetadata"]["inferenceId"],
        json.loads(data["endpointOutput"]["data"]),
        base64.b64decode(data["endpointInput"]["data"]),
        "".join(record["eventMetadata"].get("customAttributes", [])),
    )
