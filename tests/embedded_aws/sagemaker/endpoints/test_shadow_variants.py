"""A shadow variant is asked copies of what a production variant is asked: captured, never answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.capture.test_captured_endpoints import capture, records
from tests.embedded_aws.sagemaker.examples import variant
from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import ServedSageMaker

REQUESTS = 150


def configure(
    served: ServedSageMaker,
    name: str,
    shadow: dict[str, Any],
    weight: float = 1.0,
    production: dict[str, Any] | None = None,
) -> str:
    """A configuration of this name, which captures below a prefix of this name."""
    captured: Any = capture(served, name)
    serving = variant(served.model(**(production or {"answer": "[0.9, 0.1]"})), VariantName="serving")
    copying = variant(served.model(**shadow), VariantName="shadow", InitialVariantWeight=weight)
    served.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[serving],  # type: ignore[list-item]
        ShadowProductionVariants=[copying],  # type: ignore[list-item]
        DataCaptureConfig=captured,
    )
    return name


def captured_by(served: ServedSageMaker, prefix: str, variant_name: str) -> dict[str, str]:
    """What a variant answered, by inference id, as far as it is in S3."""
    endpoints = served.environment.s3.list_objects_v2(Bucket=served.bucket, Prefix=f"{prefix}/", Delimiter="/")
    [endpoint] = (item["Prefix"] for item in endpoints["CommonPrefixes"])
    found = records(served, f"{endpoint}{variant_name}")
    return {item["eventMetadata"]["inferenceId"]: item["captureData"]["endpointOutput"]["data"] for item in found}


def test_its_answers_are_captured_under_its_name_and_never_returned(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(configure(served, unique_name, {"answer": "[0.2, 0.8]"}))
    asked = [f"request-{number}" for number in range(20)]
    answers = [served.invoke(name, InferenceId=identifier) for identifier in asked]
    assert {(answer["InvokedProductionVariant"], answer["Body"]) for answer in answers} == {("serving", b"[0.9, 0.1]")}
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)  # with everything captured in S3
    assert captured_by(served, unique_name, "serving") == dict.fromkeys(asked, "[0.9, 0.1]")
    assert captured_by(served, unique_name, "shadow") == dict.fromkeys(asked, "[0.2, 0.8]")


def test_its_weight_says_which_share_it_is_asked(served: ServedSageMaker, unique_name: str) -> None:
    """Half of them, give or take eight standard deviations; and none from when its weight is 0."""
    name = served.serving(configure(served, unique_name, {}, weight=0.5))
    for number in range(REQUESTS):
        served.invoke(name, InferenceId=f"half-{number}")
    served.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "shadow", "DesiredWeight": 0.0}]
    )
    served.reached(name, "InService")
    for number in range(20):
        served.invoke(name, InferenceId=f"none-{number}")
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    copies = captured_by(served, unique_name, "shadow")
    assert 26 < len(copies) < 124
    assert {identifier.partition("-")[0] for identifier in copies} == {"half"}
    assert len(captured_by(served, unique_name, "serving")) == REQUESTS + 20


def test_nobody_waits_for_it_nor_hears_of_its_failures(
    served: ServedSageMaker, unique_name: str, tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    name = served.serving(configure(served, unique_name, {"hold": str(hold), "status": 500}))
    assert served.invoke(name, InferenceId="first")["Body"] == b"[0.9, 0.1]"  # the shadow has not answered
    hold.touch()
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert list(captured_by(served, unique_name, "serving")) == ["first"]
    assert captured_by(served, unique_name, "shadow") == {}


def test_a_copy_that_is_under_way_is_captured_before_the_shadow_ends(
    served: ServedSageMaker, unique_name: str, tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    name = served.serving(configure(served, unique_name, {"hold": str(hold)}))
    served.invoke(name, InferenceId="late")
    served.sagemaker.delete_endpoint(EndpointName=name)
    hold.touch()
    served.gone(name)
    assert list(captured_by(served, unique_name, "shadow")) == ["late"]


def test_a_slow_shadow_misses_requests_rather_than_keep_them_all(
    served: ServedSageMaker, unique_name: str, tmp_path: Path
) -> None:
    """64 wait for it at most."""
    hold = tmp_path / "hold"
    name = served.serving(configure(served, unique_name, {"hold": str(hold)}))
    for number in range(70):
        served.invoke(name, InferenceId=str(number))
    hold.touch()
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert len(captured_by(served, unique_name, "serving")) == 70
    assert captured_by(served, unique_name, "shadow").keys() == {str(number) for number in range(64)}


def test_it_is_asked_what_the_production_variant_refuses(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(configure(served, unique_name, {}, production={"status": 400}))
    with pytest.raises(served.runtime.exceptions.ModelError):
        served.invoke(name, InferenceId="refused")
    wait_until(lambda: records(served, unique_name))
    assert list(captured_by(served, unique_name, "shadow")) == ["refused"]


def test_it_is_described_and_cannot_be_named(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(configure(served, unique_name, {}, weight=0.25))
    described = served.describe(name)
    [shadow] = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentWeight"], shadow["DesiredWeight"]) == ("shadow", 0.25, 0.25)
    assert [item["VariantName"] for item in described["ProductionVariants"]] == ["serving"]
    [configured] = served.sagemaker.describe_endpoint_config(EndpointConfigName=unique_name)["ShadowProductionVariants"]
    assert (configured["VariantName"], configured["InitialVariantWeight"]) == ("shadow", 0.25)
    with refused("ValidationError", "Variant shadow not found"):
        served.invoke(name, TargetVariant="shadow")


def test_a_shadow_that_does_not_load_fails_the_endpoint(served: ServedSageMaker, unique_name: str) -> None:
    name = served.create(configure(served, unique_name, {"lines": "broken", "exit": 1}))
    served.reached(name, "Failed")
    assert "variant shadow did not pass the ping health check: broken" in served.describe(name)["FailureReason"]


def test_it_copies_after_a_restart(served: ServedSageMaker, unique_name: str) -> None:
    name = served.serving(configure(served, unique_name, {}))
    served.restart()
    served.invoke(name, InferenceId="after")
    wait_until(lambda: len(records(served, unique_name)) == 2)
    assert list(captured_by(served, unique_name, "shadow")) == ["after"]


def test_one_shadow_stands_behind_one_production_variant(served: ServedSageMaker, unique_name: str) -> None:
    """Source: API reference, CreateEndpointConfig, ShadowProductionVariants."""
    model = served.model()
    one, two = (variant(model, VariantName=name) for name in ("one", "two"))
    shadow: Any = variant(model, VariantName="shadow")
    with refused("ValidationException", "give one production variant and one shadow variant"):
        served.sagemaker.create_endpoint_config(
            EndpointConfigName=unique_name,
            ProductionVariants=[one, two],  # type: ignore[list-item]
            ShadowProductionVariants=[shadow],
        )
    with refused("ValidationException", "names must be unique"):
        served.sagemaker.create_endpoint_config(
            EndpointConfigName=unique_name,
            ProductionVariants=[shadow],
            ShadowProductionVariants=[shadow],
        )
    with refused("ValidationException", "Shadow variant shadow cannot be serverless"):
        serverless: Any = {
            "VariantName": "shadow",
            "ModelName": model,
            "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5},
        }
        served.sagemaker.create_endpoint_config(
            EndpointConfigName=unique_name,
            ProductionVariants=[one],  # type: ignore[list-item]
            ShadowProductionVariants=[serverless],
        )
