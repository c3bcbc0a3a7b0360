"""Models: an image and an artifact under a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN
from tests.embedded_aws.sagemaker.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def arn(name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:model/{name}"


def test_a_model_is_described_as_it_was_created(sagemaker: SageMakerClient, model_data: str, unique_name: str) -> None:
    container: Any = {"Image": IMAGE_URI, "ModelDataUrl": model_data, "Environment": {"KEY": "value"}}
    created = sagemaker.create_model(ModelName=unique_name, ExecutionRoleArn=ROLE_ARN, PrimaryContainer=container)
    described = sagemaker.describe_model(ModelName=unique_name)
    assert created["ModelArn"] == described["ModelArn"] == arn(unique_name)
    assert described["PrimaryContainer"] == container | {"Mode": "SingleModel"}
    assert described["ExecutionRoleArn"] == ROLE_ARN
    assert described["EnableNetworkIsolation"] is False
    assert datetime.now(UTC) - described["CreationTime"] < timedelta(minutes=1)


def test_an_arn_is_in_lower_case_and_the_name_is_not(
    sagemaker: SageMakerClient, model_data: str, unique_name: str
) -> None:
    name = unique_name.replace("test", "TEST")
    container: Any = {"Image": IMAGE_URI, "ModelDataUrl": model_data}
    assert sagemaker.create_model(ModelName=name, PrimaryContainer=container)["ModelArn"] == arn(unique_name)
    assert sagemaker.describe_model(ModelName=unique_name)["ModelName"] == name


def test_a_model_may_be_given_as_a_list_of_one_container(
    sagemaker: SageMakerClient, model_data: str, unique_name: str
) -> None:
    source: Any = {"S3Uri": model_data, "S3DataType": "S3Object", "CompressionType": "Gzip"}
    container: Any = {"Image": IMAGE_URI, "ModelDataSource": {"S3DataSource": source}}
    sagemaker.create_model(ModelName=unique_name, Containers=[container])
    described = sagemaker.describe_model(ModelName=unique_name)
    assert described["Containers"][0]["ModelDataSource"] == container["ModelDataSource"]
    assert "PrimaryContainer" not in described


def test_a_name_is_taken_once(sagemaker: SageMakerClient, model: str, model_data: str) -> None:
    container: Any = {"Image": IMAGE_URI, "ModelDataUrl": model_data}
    with refused("ValidationException", f'Cannot create already existing model "{arn(model)}".'):
        sagemaker.create_model(ModelName=model.upper(), PrimaryContainer=container)


def test_model_data_must_exist(sagemaker: SageMakerClient, bucket: str, unique_name: str) -> None:
    container: Any = {"Image": IMAGE_URI, "ModelDataUrl": f"s3://{bucket}/missing.tar.gz"}
    with refused("ValidationException", f"Could not find model data at s3://{bucket}/missing.tar.gz."):
        sagemaker.create_model(ModelName=unique_name, PrimaryContainer=container)


def test_another_image_is_refused(sagemaker: SageMakerClient, model_data: str, unique_name: str) -> None:
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    with refused("ValidationException", f'cannot run the image "{image}"'):
        sagemaker.create_model(ModelName=unique_name, PrimaryContainer={"Image": image, "ModelDataUrl": model_data})


@pytest.mark.parametrize("containers", [0, 2])
def test_a_model_has_one_container(sagemaker: SageMakerClient, unique_name: str, containers: int) -> None:
    with refused("ValidationException", f"The request has {containers}."):
        sagemaker.create_model(ModelName=unique_name, Containers=[{"Image": IMAGE_URI}] * containers)


def test_a_deleted_model_is_gone(sagemaker: SageMakerClient, unique_name: str) -> None:
    sagemaker.create_model(ModelName=unique_name, PrimaryContainer={"Image": IMAGE_URI})
    sagemaker.delete_model(ModelName=unique_name)
    missing = f'Could not find model "{arn(unique_name)}".'
    with refused("ValidationException", missing):
        sagemaker.describe_model(ModelName=unique_name)
    with refused("ValidationException", missing):
        sagemaker.delete_model(ModelName=unique_name)
