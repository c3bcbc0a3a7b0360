"""Endpoints from their creation to their end: states, descriptions, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.served import OFTEN, ServedSageMaker

CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 40,
    "DestinationS3Uri": "s3://some-bucket/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


@pytest.fixture(scope="module")
def endpoint(served: ServedSageMaker) -> str:
    """An endpoint in service that nothing happens to."""
    return served.serving(served.config_of(CAPTURE))


def arn(name: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:000000000000:endpoint/{name}"


def missing(name: str) -> Any:
    return refused("ValidationException", f'Could not find endpoint "{arn(name)}".')


def test_a_new_endpoint_is_created_then_in_service(served: ServedSageMaker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = served.create(served.config_of(gate=str(gate)))
    described = served.describe(name)
    assert described["EndpointStatus"] == "Creating"
    assert "ProductionVariants" not in described
    with refused("ValidationError", f"Endpoint {name} of account 000000000000 not found."):
        served.invoke(name)
    gate.touch()
    served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=OFTEN)
    assert served.history(name) == ["Creating", "InService"]


def test_an_endpoint_in_service_is_described(served: ServedSageMaker, endpoint: str) -> None:
    described = served.describe(endpoint)
    assert described["EndpointArn"] == arn(endpoint)
    (serving,) = described["ProductionVariants"]
    assert {name: value for name, value in serving.items() if name != "DeployedImages"} == {
        "VariantName": "AllTraffic",
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
        "CurrentInstanceCount": 1,
        "DesiredInstanceCount": 1,
    }
    assert described["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 40,
        "DestinationS3Uri": "s3://some-bucket/captured",
        "KmsKeyId": "",
    }
    assert described["LastModifiedTime"] >= described["CreationTime"]
    assert "FailureReason" not in described


def test_names_are_the_same_in_upper_and_lower_case(served: ServedSageMaker, endpoint: str) -> None:
    config = served.describe(endpoint)["EndpointConfigName"]
    with refused("ValidationException", f'Cannot create already existing endpoint "{arn(endpoint)}".'):
        served.sagemaker.create_endpoint(EndpointName=endpoint.upper(), EndpointConfigName=config)
    assert served.describe(endpoint.upper())["EndpointName"] == endpoint
    assert served.invoke(endpoint.upper())["Body"] == b"[0.9, 0.1]"


def test_an_endpoint_needs_a_configuration(served: ServedSageMaker, unique_name: str) -> None:
    config = f"arn:aws:sagemaker:us-east-1:000000000000:endpoint-config/{unique_name}"
    with refused("ValidationException", f'Could not find endpoint configuration "{config}".'):
        served.sagemaker.create_endpoint(EndpointName=unique_name, EndpointConfigName=unique_name)
    with missing(unique_name):
        served.describe(unique_name)


def test_what_is_not_there_is_neither_described_changed_nor_deleted(
    served: ServedSageMaker, endpoint: str, unique_name: str
) -> None:
    with missing(unique_name):
        served.describe(unique_name)
    with missing(unique_name):
        served.update(unique_name, served.describe(endpoint)["EndpointConfigName"])
    with missing(unique_name):
        weights: Any = [{"VariantName": "AllTraffic", "DesiredWeight": 1}]
        served.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=unique_name, DesiredWeightsAndCapacities=weights
        )
    with missing(unique_name):
        served.sagemaker.delete_endpoint(EndpointName=unique_name)


def test_an_endpoint_that_is_being_created_is_left_alone(served: ServedSageMaker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    config = served.config_of(gate=str(gate))
    name = served.create(config)
    in_progress = f'Cannot update in-progress endpoint "{arn(name)}".'
    with refused("ValidationException", in_progress):
        served.sagemaker.delete_endpoint(EndpointName=name)
    with refused("ValidationException", in_progress):
        served.update(name, config)
    gate.touch()
    served.reached(name, "InService")


def test_a_deleted_endpoint_is_gone_and_its_name_is_free(served: ServedSageMaker) -> None:
    config = served.config_of()
    name = served.serving(config)
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert served.history(name) == ["Creating", "InService", "Deleting"]
    with missing(name):
        served.describe(name)
    with refused("ValidationError", f"Endpoint {name} of account 000000000000 not found."):
        served.invoke(name)
    served.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
    served.reached(name, "InService")


def test_an_endpoint_answers_what_it_was_asked_before_it_is_deleted(served: ServedSageMaker, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    name = served.serving(served.config_of(hold=str(hold)))
    with served.asked(name) as answer:
        served.sagemaker.delete_endpoint(EndpointName=name)
        assert served.describe(name)["EndpointStatus"] == "Deleting"
        with refused("ValidationException", f'Cannot update in-progress endpoint "{arn(name)}".'):
            served.sagemaker.delete_endpoint(EndpointName=name)
        hold.touch()
        assert answer.result()["Body"] == b"[0.9, 0.1]"
    served.gone(name)
