"""Endpoint configurations: variants, capture, and what they refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.sagemaker.examples import variant
from tests.embedded_aws.sagemaker.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def arn(name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/{name}"


def capture(bucket: str) -> dict[str, Any]:
    return {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bucket}/data_capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }


def test_a_configuration_is_described_as_it_was_created(
    sagemaker: SageMakerClient, model: str, bucket: str, unique_name: str
) -> None:
    variants: Any = [variant(model)]
    settings: Any = capture(bucket) | {"EnableCapture": False}
    created = sagemaker.create_endpoint_config(
        EndpointConfigName=unique_name, ProductionVariants=variants, DataCaptureConfig=settings
    )
    described = sagemaker.describe_endpoint_config(EndpointConfigName=unique_name)
    assert created["EndpointConfigArn"] == described["EndpointConfigArn"] == arn(unique_name)
    assert described["EndpointConfigName"] == unique_name
    assert described["ProductionVariants"] == [variants[0] | {"InitialVariantWeight": 1.0}]
    assert described["DataCaptureConfig"] == settings


def test_capture_is_on_unless_it_is_said_to_be_off(
    sagemaker: SageMakerClient, model: str, bucket: str, unique_name: str
) -> None:
    variants: Any = [variant(model)]
    settings: Any = capture(bucket)
    sagemaker.create_endpoint_config(
        EndpointConfigName=unique_name, ProductionVariants=variants, DataCaptureConfig=settings
    )
    described = sagemaker.describe_endpoint_config(EndpointConfigName=unique_name)
    assert described["DataCaptureConfig"]["EnableCapture"] is True


def test_a_serverless_variant_needs_no_instances(sagemaker: SageMakerClient, model: str, unique_name: str) -> None:
    serverless: Any = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
    }
    sagemaker.create_endpoint_config(EndpointConfigName=unique_name, ProductionVariants=[serverless])
    described = sagemaker.describe_endpoint_config(EndpointConfigName=unique_name)
    assert described["ProductionVariants"][0]["ServerlessConfig"] == serverless["ServerlessConfig"]


def test_a_name_is_taken_once(sagemaker: SageMakerClient, model: str, unique_name: str) -> None:
    variants: Any = [variant(model)]
    sagemaker.create_endpoint_config(EndpointConfigName=unique_name, ProductionVariants=variants)
    taken = f'Cannot create already existing endpoint configuration "{arn(unique_name)}".'
    with refused("ValidationException", taken):
        sagemaker.create_endpoint_config(EndpointConfigName=unique_name, ProductionVariants=variants)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ModelName": "no-such-model"},
            'Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/no-such-',
        ),
        ({"ModelName": None}, "Production variant AllTraffic needs a ModelName"),
        ({"InstanceType": None}, "Production variant AllTraffic needs an InstanceType"),
    ],
)
def test_a_variant_that_cannot_be_served_is_refused(
    sagemaker: SageMakerClient, model: str, unique_name: str, changes: dict[str, Any], message: str
) -> None:
    variants: Any = [{name: value for name, value in variant(model, **changes).items() if value is not None}]
    with refused("ValidationException", message):
        sagemaker.create_endpoint_config(EndpointConfigName=unique_name, ProductionVariants=variants)


def test_variants_have_names_of_their_own(sagemaker: SageMakerClient, model: str, unique_name: str) -> None:
    variants: Any = [variant(model), variant(model)]
    with refused("ValidationException", "Production variant names must be unique"):
        sagemaker.create_endpoint_config(EndpointConfigName=unique_name, ProductionVariants=variants)


def test_what_is_not_served_here_is_refused(sagemaker: SageMakerClient, model: str, unique_name: str) -> None:
    variants: Any = [variant(model)]
    with refused("ValidationException", "does not support AsyncInferenceConfig"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=unique_name, ProductionVariants=variants, AsyncInferenceConfig={"OutputConfig": {}}
        )


def test_a_deleted_configuration_is_gone(sagemaker: SageMakerClient, model: str, unique_name: str) -> None:
    variants: Any = [variant(model)]
    sagemaker.create_endpoint_config(EndpointConfigName=unique_name, ProductionVariants=variants)
    sagemaker.delete_endpoint_config(EndpointConfigName=unique_name)
    missing = f'Could not find endpoint configuration "{arn(unique_name)}".'
    with refused("ValidationException", missing):
        sagemaker.describe_endpoint_config(EndpointConfigName=unique_name)
    with refused("ValidationException", missing):
        sagemaker.delete_endpoint_config(EndpointConfigName=unique_name)
