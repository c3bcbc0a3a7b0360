"""Training jobs: created, described, listed, stopped, deleted. What one does is in training/job_run.py."""

from __future__ import annotations

from typing import Any

from embedded_aws.sagemaker.api import algorithm_images
from embedded_aws.sagemaker.api.exceptions import ResourceInUse, ResourceNotFound, ValidationException
from embedded_aws.sagemaker.api.listing import list_page
from embedded_aws.sagemaker.api.operations import Operation, Output, Request, in_thread
from embedded_aws.sagemaker.api.resources import create_resource, described, require_tags
from embedded_aws.sagemaker.containers.image_classification import METRIC_DEFINITIONS
from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.s3_uri import S3Uri
from embedded_aws.sagemaker.service import Service
from embedded_aws.sagemaker.training import states
from embedded_aws.sagemaker.training.channels import nothing_found
from embedded_aws.sagemaker.training.job_queue import KIND

_DEFAULT_MAX_RUNTIME = 86_400  # seconds; SageMaker's own default


def _artifact_uri(job: StoredResource) -> S3Uri:
    """Where the job's model goes."""
    output = S3Uri.parse(job.body["OutputDataConfig"]["S3OutputPath"])
    return output.below(f"{job.name}/output/model.tar.gz")


def _create(service: Service, request: Request) -> Output:
    name = request["TrainingJobName"]
    arn = service.account.arn(KIND, name)
    taken = (
        f"Training job names must be unique within an AWS account and region, but a training job already exists: {arn}"
    )
    if service.account.registry.get(KIND, name) is not None:
        raise ResourceInUse(taken)
    tags = require_tags(request)
    _require_supported(request)
    _require_objects(service, request)
    job = StoredResource(KIND, name, arn, body=_with_defaults(request))
    job = states.starting(job.changed(ModelArtifacts={"S3ModelArtifacts": str(_artifact_uri(job))}))
    create_resource(service, job, tags, taken, ResourceInUse)
    service.training.submit(name)
    return {"TrainingJobArn": arn}


def _describe(service: Service, request: Request) -> Output:
    job = _require_job(service, request)
    return described(
        "DescribeTrainingJob", job, TrainingJobName=job.name, TrainingJobArn=job.arn, TrainingJobStatus=job.status
    )


def _list(service: Service, request: Request) -> Output:
    """Training jobs, oldest first unless asked otherwise: the one list of SageMaker's that is."""
    if "WarmPoolStatusEquals" in request or "TrainingPlanArnEquals" in request:
        return {"TrainingJobSummaries": []}  # there are no warm pools and no training plans here
    return list_page(
        service.account.registry, KIND, request, "TrainingJobSummaries", _summary, default_order="Ascending"
    )


def _stop(service: Service, request: Request) -> Output:
    """Ask a job to stop: its algorithm has two minutes to finish, and the model so far is kept."""
    job = _require_job(service, request)
    service.account.registry.update(KIND, job.name, _stopping)
    service.training.cancel(job.name)
    return {}


def _stopping(job: StoredResource) -> StoredResource:
    if job.status != "InProgress":
        raise ValidationException(f"The request was rejected because the training job is in status {job.status}.")
    return states.stopping(job)


def _delete(service: Service, request: Request) -> Output:
    """Forget a job that has ended; its name is free again, and its model and its log stay."""
    job = _require_job(service, request)
    if job.status not in states.ENDED:
        raise ResourceInUse(f"The request was rejected because the training job is in status {job.status}.")
    service.account.registry.delete(KIND, job.name)
    return {}


def _require_job(service: Service, request: Request) -> StoredResource:
    job = service.account.registry.get(KIND, request["TrainingJobName"])
    if job is None:
        raise ResourceNotFound("Requested resource not found.")
    return job


def _summary(job: StoredResource) -> dict[str, Any]:
    summary = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.body["SecondaryStatus"],
    }
    ended = {"TrainingEndTime": job.body["TrainingEndTime"]} if "TrainingEndTime" in job.body else {}
    return summary | ended


def _with_defaults(request: Request) -> dict[str, Any]:
    """The request as it is described later, with what SageMaker fills in."""
    metrics = [{"Name": name, "Regex": expression} for name, expression in METRIC_DEFINITIONS.items()]
    switches = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining")
    channels = [{"CompressionType": "None", "RecordWrapperType": "None"} | item for item in request["InputDataConfig"]]
    return {
        **dict.fromkeys(switches, False),
        **request,
        "AlgorithmSpecification": request["AlgorithmSpecification"]
        | {"MetricDefinitions": metrics, "EnableSageMakerMetricsTimeSeries": False},
        "InputDataConfig": channels,
        "OutputDataConfig": {"KmsKeyId": ""} | request["OutputDataConfig"],
        "StoppingCondition": {"MaxRuntimeInSeconds": _DEFAULT_MAX_RUNTIME} | request.get("StoppingCondition", {}),
    }


def _require_supported(request: Request) -> None:
    """Refuse what this service would have to pretend. Raises ValidationException."""
    algorithm = request.get("AlgorithmSpecification", {})
    if algorithm.get("MetricDefinitions"):
        raise ValidationException(
            "You can't override the metric definitions for Amazon SageMaker algorithms. "
            "Please retry the request without specifying metric definitions."
        )
    if "TrainingImage" not in algorithm:
        raise ValidationException("The training job needs a TrainingImage: there are no algorithm resources here.")
    algorithm_images.require_runnable(algorithm["TrainingImage"])
    if algorithm["TrainingInputMode"] != "File":
        raise ValidationException("The embedded SageMaker trains in File mode only. Set TrainingInputMode to File.")
    if request["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        raise ValidationException("The embedded SageMaker writes model.tar.gz only. Leave CompressionType out.")
    _require_one_instance(request.get("ResourceConfig", {}))
    _require_channels(request.get("InputDataConfig", []))


def _require_objects(service: Service, request: Request) -> None:
    if (reason := nothing_found(service.account.s3, request)) is not None:
        raise ValidationException(reason)


def _require_one_instance(resources: dict[str, Any]) -> None:
    if not {"InstanceType", "InstanceCount"} <= resources.keys():
        raise ValidationException("The training job needs a ResourceConfig with an InstanceType and an InstanceCount.")
    if resources["InstanceCount"] != 1:
        raise ValidationException("The embedded SageMaker trains on one instance. Set InstanceCount to 1.")


def _require_channels(channels: list[dict[str, Any]]) -> None:
    names = [channel["ChannelName"] for channel in channels]
    if not names or len(set(names)) < len(names):
        raise ValidationException(
            f"The training job needs channels of different names; it has: {', '.join(names) or 'none'}."
        )
    for channel in channels:
        _require_channel(channel)


def _require_channel(channel: dict[str, Any]) -> None:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource", {})
    if source.get("S3DataType") not in ("S3Prefix", "ManifestFile"):
        raise ValidationException(f"Channel {name} needs an S3DataSource of S3DataType S3Prefix or ManifestFile.")
    if channel.get("CompressionType", "None") != "None" or channel.get("RecordWrapperType", "None") != "None":
        raise ValidationException(f"Channel {name}: the embedded SageMaker reads plain objects, not Gzip or RecordIO.")
    if channel.get("InputMode", "File") != "File":
        raise ValidationException(f"Channel {name}: the embedded SageMaker trains in File mode only.")


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": in_thread(_create),
    "DescribeTrainingJob": in_thread(_describe),
    "ListTrainingJobs": in_thread(_list),
    "StopTrainingJob": in_thread(_stop),
    "DeleteTrainingJob": in_thread(_delete),
}
