"""Endpoints whose model cannot be served."""

from __future__ import annotations

import gzip
import os

import pytest
from botocore.exceptions import WaiterError

from tests.embedded_aws.sagemaker.examples import variant
from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.served import ServedSageMaker
from tests.embedded_aws.sagemaker.served_setup import archive

GOOD = archive({"script.json": "{}"})
NOT_HEALTHY = "The primary container for production variant AllTraffic did not pass the ping health check: "
NOT_EXTRACTED = "Failed to extract model data archive s3://"


def damaged(filling: bytes) -> bytes:
    """A model whose middle was overwritten: it begins and ends well."""
    content = bytearray(archive({"weights": os.urandom(50_000).hex()}))
    middle = len(content) // 2
    content[middle : middle + 50] = filling * 50
    return bytes(content)


@pytest.fixture(scope="module")
def failed(served: ServedSageMaker) -> str:
    """An endpoint whose container ended before it answered."""
    name = served.create(served.config_of(lines="no weights in the model\n", exit=1))
    served.reached(name, "Failed")
    return name


def reason(served: ServedSageMaker, config: str) -> str:
    """Why an endpoint with this configuration is Failed."""
    name = served.create(config)
    served.reached(name, "Failed")
    failure: str = served.describe(name)["FailureReason"]
    return failure


def test_the_reason_is_the_containers_last_line(served: ServedSageMaker, failed: str) -> None:
    described = served.describe(failed)
    expected = f"{NOT_HEALTHY}no weights in the model. Please check CloudWatch logs for this endpoint."
    assert described["FailureReason"] == expected
    assert "ProductionVariants" not in described
    assert served.history(failed) == ["Creating", "Failed"]


def test_the_log_of_a_container_that_failed_is_in_cloudwatch(served: ServedSageMaker, failed: str) -> None:
    group = f"/aws/sagemaker/Endpoints/{failed}"
    events = served.environment.logs.filter_log_events(logGroupName=group, logStreamNamePrefix="AllTraffic/i-")[
        "events"
    ]
    assert [event["message"] for event in events] == ["no weights in the model"]


def test_waiting_for_a_failed_endpoint_ends(served: ServedSageMaker, failed: str) -> None:
    with pytest.raises(WaiterError, match='we matched expected path: "Failed"'):
        served.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=failed, WaiterConfig={"MaxAttempts": 1})


def test_a_failed_endpoint_answers_nothing_and_is_not_updated(served: ServedSageMaker, failed: str) -> None:
    with refused("ValidationError", f"Endpoint {failed} of account 000000000000 not found."):
        served.invoke(failed)
    with refused("ValidationException", "it is Failed. Delete it instead."):
        served.update(failed, served.describe(failed)["EndpointConfigName"])


def test_a_failed_endpoint_can_be_deleted(served: ServedSageMaker) -> None:
    name = served.create(served.config_of(exit=1))
    served.reached(name, "Failed")
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no archive", id="text"),
        pytest.param(b"", id="nothing"),
        pytest.param(GOOD[:-20], id="cut off"),
        pytest.param(damaged(b"\xff"), id="damaged"),
        pytest.param(damaged(b"\0"), id="damaged beyond notice but for its checksum"),
        pytest.param(gzip.decompress(GOOD), id="not compressed"),
        pytest.param(archive({"../outside": "text"}), id="leaves its folder"),
    ],
)
def test_an_archive_that_cannot_be_extracted_fails_the_endpoint(served: ServedSageMaker, content: bytes) -> None:
    assert reason(served, served.config(variant(served.model_of(content)))).startswith(NOT_EXTRACTED)


def test_model_data_that_is_gone_fails_the_endpoint(served: ServedSageMaker) -> None:
    model = served.model()
    config = served.config(variant(model))
    served.environment.s3.delete_object(Bucket=served.bucket, Key=f"{model}/model.tar.gz")
    expected = f"Failed to download model data for AllTraffic from s3://{served.bucket}/{model}/model.tar.gz"
    assert reason(served, config).startswith(expected)


def test_what_nobody_foresaw_fails_the_endpoint(served: ServedSageMaker) -> None:
    """No process can have such an environment; AWS's model of a request has nothing against it."""
    model = served.model_of(GOOD, Environment={"NAME": "half\0half"})
    assert reason(served, served.config(variant(model))).startswith("InternalServerError: ")


def test_one_variant_that_does_not_come_up_is_enough(served: ServedSageMaker) -> None:
    good, bad = variant(served.model(), VariantName="good"), variant(served.model(exit=1), VariantName="bad")
    assert "production variant bad did not pass" in reason(served, served.config(good, bad))


def test_a_long_reason_is_cut_to_what_a_description_holds(served: ServedSageMaker) -> None:
    assert len(reason(served, served.config_of(lines="x" * 5000, exit=1))) == 1024


def test_containers_that_did_not_come_up_leave_nothing_behind(served: ServedSageMaker) -> None:
    two = variant(served.model(exit=1), InitialInstanceCount=2)
    reason(served, served.config(two, variant(served.model(), VariantName="good")))
    assert served.containers() == []
    assert list((served.folder / "endpoints").iterdir()) == []
