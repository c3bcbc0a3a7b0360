"""Several variants behind one endpoint: who answers how much, and how that is changed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.embedded_aws.sagemaker.examples import variant
from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import ServedSageMaker

REQUESTS = 400


@pytest.fixture(scope="module")
def endpoint(served: ServedSageMaker) -> str:
    """An endpoint with three variants: one of weight 3, one of weight 1, one of weight 0."""
    weights = {"heavy": 3.0, "light": 1.0, "none": 0.0}
    variants = [
        variant(served.model(answer=name), VariantName=name, InitialVariantWeight=weight)
        for name, weight in weights.items()
    ]
    return served.serving(served.config(*variants))


def answers(served: ServedSageMaker, endpoint: str, **members: Any) -> Counter[tuple[str, bytes]]:
    """Which variants said to have answered, and what came from them."""
    found = (served.invoke(endpoint, **members) for _ in range(REQUESTS))
    return Counter((answer["InvokedProductionVariant"], answer["Body"]) for answer in found)


def change(served: ServedSageMaker, endpoint: str, **members: Any) -> None:
    desired: Any = [members]
    served.sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=desired)


def test_requests_are_shared_by_weight(served: ServedSageMaker, endpoint: str) -> None:
    """Three of four requests to one, with eight standard deviations of patience, and none to the one of weight 0."""
    shares = answers(served, endpoint)
    assert shares.keys() == {("heavy", b"heavy"), ("light", b"light")}
    assert 230 < shares["heavy", b"heavy"] < 370


@pytest.mark.parametrize("name", ["heavy", "light", "none"])
def test_a_request_can_name_its_variant(served: ServedSageMaker, endpoint: str, name: str) -> None:
    found = {served.invoke(endpoint, TargetVariant=name)["InvokedProductionVariant"] for _ in range(20)}
    assert found == {name}


def test_a_variant_that_is_not_there_is_refused(served: ServedSageMaker, endpoint: str) -> None:
    with refused("ValidationError", "Variant other not found"):
        served.invoke(endpoint, TargetVariant="other")


def test_weights_and_capacities_are_changed(served: ServedSageMaker) -> None:
    variants = [variant(served.model(answer=name), VariantName=name) for name in ("one", "two")]
    name = served.serving(served.config(*variants))
    config = served.describe(name)["EndpointConfigName"]
    change(served, name, VariantName="one", DesiredWeight=0.0, DesiredInstanceCount=2)
    served.reached(name, "InService")
    described = served.describe(name)
    numbers = {
        item["VariantName"]: (item["CurrentWeight"], item["CurrentInstanceCount"]) for item in variants_of(described)
    }
    assert numbers == {"one": (0.0, 2), "two": (1.0, 1)}
    assert described["EndpointConfigName"] == config
    assert {served.invoke(name)["Body"] for _ in range(20)} == {b"two"}
    assert served.invoke(name, TargetVariant="one")["Body"] == b"one"
    assert served.history(name) == ["Creating", "InService", "Updating", "InService"]


def test_other_weights_leave_the_containers_as_they_are(served: ServedSageMaker) -> None:
    variants = [variant(served.model(answer=name), VariantName=name) for name in ("one", "two")]
    name = served.serving(served.config(*variants))
    before = {process.pid for process in served.containers(name)}
    change(served, name, VariantName="one", DesiredWeight=0.0)
    served.reached(name, "InService")
    assert [item["CurrentWeight"] for item in variants_of(served.describe(name))] == [0.0, 1.0]
    assert {served.invoke(name)["Body"] for _ in range(20)} == {b"two"}
    assert {process.pid for process in served.containers(name)} == before
    assert len(before) == 2


def variants_of(described: Any) -> Any:
    return described["ProductionVariants"]


def test_what_is_wanted_is_described_beside_what_is(served: ServedSageMaker, tmp_path: Any) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    name = served.serving(served.config_of(gate=str(gate)))
    gate.unlink()
    change(served, name, VariantName="AllTraffic", DesiredInstanceCount=2)
    (described,) = variants_of(served.describe(name))
    assert (described["CurrentInstanceCount"], described["DesiredInstanceCount"]) == (1, 2)
    gate.touch()
    served.reached(name, "InService")
    (described,) = variants_of(served.describe(name))
    assert (described["CurrentInstanceCount"], described["DesiredInstanceCount"]) == (2, 2)


def test_weights_of_variants_that_are_not_there_are_refused(served: ServedSageMaker, endpoint: str) -> None:
    with refused("ValidationException", f"Variant(s) other not found in endpoint {endpoint}."):
        change(served, endpoint, VariantName="other", DesiredWeight=1.0)
    assert served.describe(endpoint)["EndpointStatus"] == "InService"


def test_a_variant_has_no_more_containers_than_the_machine_has_cores(served: ServedSageMaker) -> None:
    name = served.serving(served.config(variant(served.model(), InitialInstanceCount=50)))
    containers = served.containers(name)
    assert len(containers) == 2
    assert variants_of(served.describe(name))[0]["CurrentInstanceCount"] == 50
    served.sagemaker.delete_endpoint(EndpointName=name)
    served.gone(name)
    assert not [process for process in containers if process.is_running()]


def test_containers_of_a_variant_share_its_requests(served: ServedSageMaker, tmp_path: Any) -> None:
    hold = tmp_path / "hold"
    name = served.serving(served.config(variant(served.model(hold=str(hold)), InitialInstanceCount=2)))
    with served.asked(name) as first, served.asked(name) as second:
        wait_until(lambda: [worker.in_flight for worker in served.workers(name)] == [1, 1])
        hold.touch()
        assert first.result()["Body"] == second.result()["Body"] == b"[0.9, 0.1]"
