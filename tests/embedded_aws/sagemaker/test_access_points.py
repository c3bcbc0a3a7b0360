"""Access points in the place of buckets: there are none here, and their hosts are looked for nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.sagemaker.examples import IMAGE_URI, training_request
from tests.embedded_aws.sagemaker.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

ARNS = (
    "arn:aws:s3:us-east-1:123456789012:accesspoint:point",
    "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap",
    "arn:aws:s3-outposts:us-east-1:123456789012:outpost:op-01ac5d28a6a232904:accesspoint:point",
)


@pytest.mark.parametrize("arn", ARNS)
def test_a_channel_at_an_access_point_has_no_objects(
    sagemaker: SageMakerClient, bucket: str, training_set: dict[str, str], unique_name: str, arn: str
) -> None:
    request = training_request(unique_name, bucket, training_set | {"train": f"s3://{arn}/train/"})
    with refused("ValidationException", f'No S3 objects found under S3 URL "s3://{arn}/train/"'):
        sagemaker.create_training_job(**request)


@pytest.mark.parametrize("arn", ARNS)
def test_a_model_at_an_access_point_is_not_found(sagemaker: SageMakerClient, unique_name: str, arn: str) -> None:
    container: Any = {"Image": IMAGE_URI, "ModelDataUrl": f"s3://{arn}/model.tar.gz"}
    with refused("ValidationException", f"Could not find model data at s3://{arn}/model.tar.gz"):
        sagemaker.create_model(ModelName=unique_name, PrimaryContainer=container)
