"""The SDK's resources for serving, from a model to an answer and to the end."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from backend.aws.environment import Environment
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

pytestmark = pytest.mark.system


@pytest.fixture
def connection(environment: Environment) -> dict[str, Any]:
    return {"session": environment.session, "region": environment.region}


def model_and_config(name: str, trained_model: str, connection: dict[str, Any]) -> tuple[Any, Any]:
    from sagemaker.core.resources import EndpointConfig, Model
    from sagemaker.core.shapes import ContainerDefinition, ProductionVariant

    container = ContainerDefinition(image=IMAGE_URI, model_data_url=trained_model)
    model = Model.create(model_name=name, execution_role_arn=ROLE_ARN, primary_container=container, **connection)
    variant = ProductionVariant(
        variant_name="AllTraffic", model_name=name, instance_type="ml.m5.large", initial_instance_count=1
    )
    return model, EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], **connection)


def test_the_sdk_finds_an_endpoint_and_asks_it(connection: dict[str, Any], real_endpoint: str) -> None:
    from sagemaker.core.resources import Endpoint

    endpoint = Endpoint.get(real_endpoint, **connection)
    endpoint.wait_for_status("InService", poll=1)
    endpoint.refresh()
    assert endpoint.endpoint_arn == f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{real_endpoint}"
    assert endpoint.production_variants[0].current_instance_count == 1
    assert [found.endpoint_name for found in Endpoint.get_all(name_contains=real_endpoint, **connection)] == [
        real_endpoint
    ]
    assert sum(probabilities(endpoint)) == pytest.approx(1)


@pytest.mark.slow
def test_the_sdk_serves_a_model_updates_it_and_ends_it(
    trained_model: str, connection: dict[str, Any], sagemaker: SageMakerClient, unique_name: str
) -> None:
    from sagemaker.core.resources import Endpoint

    model, config = model_and_config(unique_name, trained_model, connection)
    endpoint = Endpoint.create(endpoint_name=unique_name, endpoint_config_name=unique_name, **connection)
    endpoint.wait_for_status("InService", poll=1)
    assert sum(probabilities(endpoint)) == pytest.approx(1)

    _, other = model_and_config(f"{unique_name}-2", trained_model, connection)
    endpoint.endpoint_config_name = other.endpoint_config_name  # the SDK's update takes it from here
    endpoint.update()
    assert endpoint.endpoint_status == "Updating"
    endpoint.wait_for_status("InService", poll=1)
    endpoint.refresh()
    assert endpoint.endpoint_config_name == other.endpoint_config_name
    assert sum(probabilities(endpoint)) == pytest.approx(1)

    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    config.delete()
    model.delete()
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=unique_name)


def probabilities(endpoint: Any) -> list[float]:
    content = io.BytesIO()
    Image.new("RGB", (32, 32)).save(content, "PNG")
    answer = endpoint.invoke(body=content.getvalue(), content_type="image/png", accept="application/json")
    found: list[float] = json.loads(answer.body.read())
    return found


def test_the_sdk_says_that_an_endpoint_has_failed(
    environment: Environment, bucket: str, connection: dict[str, Any], unique_name: str
) -> None:
    from sagemaker.core.resources import Endpoint
    from sagemaker.core.utils.exceptions import FailedStatusError

    environment.s3.put_object(Bucket=bucket, Key=f"{unique_name}.tar.gz", Body=b"no archive")
    model_and_config(unique_name, f"s3://{bucket}/{unique_name}.tar.gz", connection)
    endpoint = Endpoint.create(endpoint_name=unique_name, endpoint_config_name=unique_name, **connection)
    with pytest.raises(FailedStatusError, match="Failed to extract model data archive"):
        endpoint.wait_for_status("InService", poll=1)
    endpoint.delete()
