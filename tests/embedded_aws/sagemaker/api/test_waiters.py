"""boto3's waiters: those for what is here wait, and all others end at once instead of waiting for ever."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import WaiterError
from botocore.loaders import Loader

from embedded_aws.sagemaker.api.control_plane import OPERATIONS
from tests.embedded_aws.sagemaker.served import OFTEN, ServedSageMaker

HERE = {"endpoint_deleted", "endpoint_in_service", "training_job_completed_or_stopped"}
"""Proven here and in test_clients.py."""
DEFINITIONS: dict[str, Any] = Loader().load_service_model("sagemaker", "waiters-2")["waiters"]
"""boto3's own description of its waiters: what each asks, and how often."""
NAMES = boto3.client("sagemaker", region_name="us-east-1").waiter_names
ELSEWHERE = sorted(set(NAMES) - HERE)


def definition(name: str) -> dict[str, Any]:
    """What boto3 knows of the waiter with this name: its own names are written in another way."""
    found: dict[str, dict[str, Any]] = {key.lower(): value for key, value in DEFINITIONS.items()}
    return found[name.replace("_", "")]


def test_the_waiters_for_what_is_here_ask_what_is_implemented() -> None:
    assert set(NAMES) >= HERE
    assert {definition(name)["operation"] for name in HERE} <= OPERATIONS.keys()


def test_the_other_waiters_ask_what_is_not() -> None:
    """One that boto3 gets later, and that asks what is implemented, belongs to those that are proven to wait."""
    assert not {definition(name)["operation"] for name in ELSEWHERE} & OPERATIONS.keys()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_waiter_for_what_is_not_here_ends_at_once(served: ServedSageMaker, name: str) -> None:
    operation = definition(name)["operation"]
    shape = served.sagemaker.meta.service_model.operation_model(operation).input_shape
    assert shape is not None
    request = {member: 1 if member == "Version" else "name" for member in shape.required_members}
    began = time.monotonic()
    waiter: Any = served.sagemaker.get_waiter(name)  # type: ignore[call-overload]
    with pytest.raises(WaiterError) as caught:
        waiter.wait(**request)
    error = caught.value.last_response["Error"]
    assert error["Code"] == "UnknownOperationException"
    assert f"does not implement {operation}. It implements AddTags, CreateEndpoint, " in error["Message"]
    assert time.monotonic() - began < definition(name)["delay"]


def test_the_waiter_for_an_endpoint_in_service_ends_when_it_is(served: ServedSageMaker) -> None:
    name = served.create(served.config_of())
    served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=OFTEN)
    assert served.describe(name)["EndpointStatus"] == "InService"


def test_the_waiter_for_an_endpoint_in_service_ends_when_it_has_failed(served: ServedSageMaker) -> None:
    name = served.create(served.config_of(exit=1))
    with pytest.raises(WaiterError, match='we matched expected path: "Failed"'):
        served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=OFTEN)


def test_the_waiter_for_an_endpoint_in_service_ends_when_there_is_none(
    served: ServedSageMaker, unique_name: str
) -> None:
    with pytest.raises(WaiterError, match="Matched expected service error code: ValidationException"):
        served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=unique_name)


def test_the_waiter_for_a_deleted_endpoint_ends_when_it_is_gone(served: ServedSageMaker) -> None:
    name = served.serving(served.config_of())
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=OFTEN)
    assert name not in [item["EndpointName"] for item in served.sagemaker.list_endpoints()["Endpoints"]]
