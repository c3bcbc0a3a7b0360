"""An AWS account with an endpoint, as SageMaker's documentation describes its answers; what it is asked is kept."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from tests import answers

FIRST, SECOND = "scones-unlimited-20260131-093012-000000", "scones-unlimited-20260201-101500-000000"
JOB = "scones-unlimited-20260131-090000-000000"
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://scones-unlimited-123456789012-us-east-1/data_capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
}
_TIME = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def variant(name: str, model: str, weight: float = 1.0, **more: Any) -> dict[str, Any]:
    """A production variant as DescribeEndpointConfig gives it."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": weight,
    } | more


def summary(name: str, current: float, desired: float | None = None) -> dict[str, Any]:
    """A variant as DescribeEndpoint gives it."""
    return {
        "VariantName": name,
        "CurrentWeight": current,
        "DesiredWeight": current if desired is None else desired,
        "CurrentInstanceCount": 2,
        "DesiredInstanceCount": 2,
    }


class Account:
    """What there is, by name, and the requests that changed something, one after the other."""

    def __init__(self) -> None:
        self.environment: Environment = _opened()
        self.endpoint: dict[str, Any] | None = None
        self.configs: dict[str, dict[str, Any]] = {}
        self.models: dict[str, str] = {}
        self.jobs: dict[str, str | None] = {JOB: "d1"}
        """Training jobs with the dataset that each was given."""
        self.objects: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.refuses: set[str] = set()

    def serve(self, config: str, *summaries: dict[str, Any], **more: Any) -> None:
        self.endpoint = {
            "EndpointName": "scones-unlimited",
            "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/scones-unlimited",
            "EndpointConfigName": config,
            "EndpointStatus": "InService",
            "CreationTime": _TIME,
            "LastModifiedTime": _TIME,
            "ProductionVariants": list(summaries),
        } | more

    def configure(self, name: str, *variants: dict[str, Any], **more: Any) -> None:
        self.configs[name] = {
            "EndpointConfigName": name,
            "EndpointConfigArn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/{name}",
            "CreationTime": _TIME,
            "ProductionVariants": list(variants),
            "DataCaptureConfig": CAPTURE,
        } | more

    def add_model(self, name: str, job: str = JOB, *, is_there: bool = True) -> None:
        key = f"models/{job}/output/model.tar.gz"
        self.models[name] = f"s3://{self.environment.bucket}/{key}"
        if is_there:
            self.objects[key] = b"x"

    def add_dataset(self, dataset_id: str, description: dict[str, Any]) -> None:
        self.objects[f"datasets/{dataset_id}/dataset.json"] = json.dumps(description).encode()

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.asked if name == operation]

    def describe_endpoint(self, _request: dict[str, Any]) -> dict[str, Any]:
        return self.endpoint or missing("endpoint")

    def describe_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.configs.get(request["EndpointConfigName"]) or missing("endpoint configuration")

    def list_endpoint_configs(self, _request: dict[str, Any]) -> dict[str, Any]:
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        newest_first = sorted(self.configs.values(), key=lambda config: str(config["EndpointConfigName"]), reverse=True)
        return {"EndpointConfigs": [{member: config[member] for member in members} for config in newest_first]}

    def describe_model(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["ModelName"]
        if name not in self.models:
            missing("model")
        container = {"Image": "image", "ModelDataUrl": self.models[name]}
        return {"ModelName": name, "ModelArn": f"arn:{name}", "PrimaryContainer": container, "CreationTime": _TIME}

    def describe_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["TrainingJobName"]
        if name not in self.jobs:
            missing("training job")
        dataset = self.jobs[name]
        uri = f"s3://{self.environment.bucket}/datasets/{dataset}/train/"
        channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
        artifact = f"s3://{self.environment.bucket}/models/{name}/output/model.tar.gz"
        return {
            "TrainingJobName": name,
            "TrainingJobArn": f"arn:{name}",
            "ModelArtifacts": {"S3ModelArtifacts": artifact},
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
            "CreationTime": _TIME,
            "InputDataConfig": [channel] if dataset else [],
        }

    def list_training_jobs(self, _request: dict[str, Any]) -> dict[str, Any]:
        members = ("TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingJobStatus")
        jobs = [self.describe_training_job({"TrainingJobName": name}) for name in self.jobs]
        return {"TrainingJobSummaries": [{member: job[member] for member in members} for job in jobs]}

    @contextmanager
    def open(self) -> Iterator[Environment]:
        """The account as the app sees it, until the block ends."""
        with ExitStack() as stack:
            said = {operation: partial(answer, self) for operation, answer in _READS.items()}
            said |= {operation: partial(self._change, operation) for operation in _EFFECTS}
            for operation, answer in said.items():
                stack.enter_context(answers.answered(self.environment.sagemaker, operation, answer))
            events: Any = self.environment.s3.meta.events
            for operation in ("HeadObject", "GetObject"):
                events.register(f"before-call.s3.{operation}", self._object)
                stack.callback(events.unregister, f"before-call.s3.{operation}", self._object)
            events = self.environment.sagemaker_runtime.meta.events
            events.register("before-call.sagemaker-runtime.InvokeEndpoint", self._invoke)
            stack.callback(events.unregister, "before-call.sagemaker-runtime.InvokeEndpoint", self._invoke)
            stack.enter_context(answers.answered(self.environment.logs, "DescribeLogStreams", _no_log))
            yield self.environment

    def _change(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation in self.refuses:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "Not now."}}, operation)
        self.asked.append((operation, request))
        _EFFECTS[operation](self, request)
        return dict.fromkeys(("EndpointArn", "EndpointConfigArn", "ModelArn"), "arn")

    def _create_model(self, request: dict[str, Any]) -> None:
        self.models[request["ModelName"]] = request["PrimaryContainer"]["ModelDataUrl"]

    def _create_config(self, request: dict[str, Any]) -> None:
        name = request["EndpointConfigName"]
        kept = ("ShadowProductionVariants", "DataCaptureConfig")
        self.configure(name, *request["ProductionVariants"], **{key: request[key] for key in kept if key in request})

    def _update_endpoint(self, request: dict[str, Any]) -> None:
        config = self.configs[request["EndpointConfigName"]]
        summaries, shadows = (
            [summary(item["VariantName"], item["InitialVariantWeight"]) for item in config.get(member, [])]
            for member in ("ProductionVariants", "ShadowProductionVariants")
        )
        self.serve(
            request["EndpointConfigName"], *summaries, **({"ShadowProductionVariants": shadows} if shadows else {})
        )

    def _weigh(self, request: dict[str, Any]) -> None:
        assert self.endpoint is not None
        desired = {item["VariantName"]: item["DesiredWeight"] for item in request["DesiredWeightsAndCapacities"]}
        for item in (*self.endpoint["ProductionVariants"], *self.endpoint.get("ShadowProductionVariants", [])):
            item |= dict.fromkeys(("CurrentWeight", "DesiredWeight"), desired[item["VariantName"]])

    def _invoke(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.asked.append(("InvokeEndpoint", {"headers": dict(params["headers"]), "body": params["body"]}))
        return SimpleNamespace(status_code=200), {
            "Body": io.BytesIO(b"[0.25, 0.75]"),
            "InvokedProductionVariant": "AllTraffic",
        }

    def _object(self, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        key = params["url_path"].partition("/")[2].removeprefix(f"{self.environment.bucket}/")
        if key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "No."}}, "GetObject")
        return SimpleNamespace(status_code=200), {"Body": io.BytesIO(self.objects[key])}


@cache
def _opened() -> Environment:
    """Once: boto3's clients take long to be made."""
    return answers.account()


def _no_log(_request: dict[str, Any]) -> dict[str, Any]:
    """As CloudWatch Logs says that there is no such group."""
    raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "No."}}, "DescribeLogStreams")


def missing(what: str) -> Any:
    """As SageMaker says that there is none."""
    said = f'Could not find {what} "arn".'
    raise ClientError({"Error": {"Code": "ValidationException", "Message": said}}, "Describe")


_READS: dict[str, Any] = {
    "DescribeEndpoint": Account.describe_endpoint,
    "DescribeEndpointConfig": Account.describe_endpoint_config,
    "ListEndpointConfigs": Account.list_endpoint_configs,
    "DescribeModel": Account.describe_model,
    "DescribeTrainingJob": Account.describe_training_job,
    "ListTrainingJobs": Account.list_training_jobs,
}
_EFFECTS: dict[str, Any] = {
    "CreateModel": Account._create_model,
    "CreateEndpointConfig": Account._create_config,
    "CreateEndpoint": Account._update_endpoint,
    "UpdateEndpoint": Account._update_endpoint,
    "UpdateEndpointWeightsAndCapacities": Account._weigh,
    "DeleteModel": lambda account, request: account.models.pop(request["ModelName"]),
    "DeleteEndpointConfig": lambda account, request: account.configs.pop(request["EndpointConfigName"]),
}
