"""What becomes of endpoints when the service ends and starts again, in whatever they are in the middle of."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.aws.environment import Environment
from embedded_aws.sagemaker.endpoints.deployment import end_leftovers
from embedded_aws.sagemaker.registry import StoredResource
from tests.embedded_aws.sagemaker.examples import variant
from tests.embedded_aws.sagemaker.refusals import refused
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import ServedSageMaker, serving
from tests.embedded_aws.sagemaker.served_setup import archive

pytestmark = pytest.mark.system


@pytest.fixture
def own(environment: Environment, bucket: str, tmp_path: Path) -> Iterator[ServedSageMaker]:
    """A SageMaker with nothing else on it."""
    with serving(ServedSageMaker(tmp_path / "own", environment, bucket)) as sagemaker:
        yield sagemaker


def lose_model_data(sagemaker: ServedSageMaker, config: str) -> None:
    """Delete what the model of a configuration consists of."""
    model = sagemaker.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0][
        "ModelName"
    ]
    sagemaker.environment.s3.delete_object(Bucket=sagemaker.bucket, Key=f"{model}/model.tar.gz")


def archive_of(sagemaker: ServedSageMaker, model: str) -> bytes:
    """The model.tar.gz of a model."""
    answer = sagemaker.environment.s3.get_object(Bucket=sagemaker.bucket, Key=f"{model}/model.tar.gz")
    return answer["Body"].read()


def test_an_endpoint_outlives_its_model_its_configuration_and_the_service(own: ServedSageMaker) -> None:
    model = own.model(answer="still here")
    config = own.config(variant(model))
    name = own.serving(config)
    own.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    own.sagemaker.delete_model(ModelName=model)
    assert own.invoke(name)["Body"] == b"still here"
    own.restart()
    assert own.invoke(name)["Body"] == b"still here"
    assert own.describe(name)["EndpointStatus"] == "InService"
    assert own.history(name) == ["Creating", "InService", "SystemUpdating", "InService"]


def test_a_request_waits_for_an_endpoint_that_comes_back(
    own: ServedSageMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when the endpoint is in service again by the time that its state is read."""
    gate = tmp_path / "gate"
    gate.touch()
    name = own.serving(own.config_of(gate=str(gate)))
    gate.unlink()
    own.restart()
    registry, asked = own.service.account.registry, threading.Event()
    read = registry.get

    def read_late(kind: str, wanted: str) -> StoredResource | None:
        if threading.current_thread().name.startswith("asyncio"):  # of a request, not of the service's own
            asked.set()
            wait_until(lambda: own.service.fleet.find(name) is not None)
        return read(kind, wanted)

    monkeypatch.setattr(registry, "get", read_late)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(own.invoke, name)
        asked.wait()
        gate.touch()
        assert answer.result()["Body"] == b"[0.9, 0.1]"


def test_no_container_outlives_the_service(own: ServedSageMaker, tmp_path: Path) -> None:
    gate, hold = tmp_path / "gate", tmp_path / "hold"
    serving = own.serving(own.config_of(hold=str(hold)))
    own.create(own.config_of(gate=str(gate)))
    updating = own.serving(own.config_of())
    own.update(updating, own.config_of(gate=str(gate)))
    with own.asked(serving) as answer:
        own.update(serving, own.config_of())
        own.reached(serving, "InService")
        wait_until(lambda: len(own.containers()) == 5)
        own.stop()
        assert answer.exception() is not None
    assert own.containers() == []
    own.start()


def test_an_endpoint_that_was_being_created_is_created(own: ServedSageMaker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = own.create(own.config_of(gate=str(gate)))
    own.restart()
    assert own.describe(name)["EndpointStatus"] == "Creating"
    gate.touch()
    own.reached(name, "InService")
    assert own.history(name) == ["Creating", "InService"]


def test_an_update_that_was_under_way_is_begun_anew(own: ServedSageMaker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = own.serving(own.config_of(answer="old"))
    following = own.config_of(answer="new", gate=str(gate))
    own.update(name, following)
    own.restart()
    assert own.invoke(name)["Body"] == b"old"
    assert own.describe(name)["EndpointStatus"] == "Updating"
    gate.touch()
    own.reached(name, "InService")
    assert own.invoke(name)["Body"] == b"new"
    assert own.history(name) == ["Creating", "InService", "Updating", "InService"]


def test_an_update_that_cannot_go_on_after_the_restart_is_rolled_back(own: ServedSageMaker, tmp_path: Path) -> None:
    name = own.serving(own.config_of(answer="old"))
    following = own.config_of(gate=str(tmp_path / "gate"))
    own.update(name, following)
    wait_until(lambda: len(own.containers()) == 2)
    lose_model_data(own, following)
    own.restart()
    own.reached(name, "InService")
    assert own.invoke(name)["Body"] == b"old"
    assert own.history(name)[-3:] == ["Updating", "RollingBack", "InService"]


def test_an_endpoint_with_nothing_left_to_serve_has_failed(own: ServedSageMaker, tmp_path: Path) -> None:
    first, following = own.config_of(), own.config_of(gate=str(tmp_path / "gate"))
    name = own.serving(first)
    own.update(name, following)
    wait_until(lambda: len(own.containers()) == 2)
    lose_model_data(own, first)
    lose_model_data(own, following)
    own.restart()
    own.reached(name, "Failed")
    assert own.describe(name)["FailureReason"].startswith("Failed to download model data for AllTraffic")
    with refused("ValidationError", "not found"):
        own.invoke(name)


def test_an_endpoint_is_in_service_again_when_what_kept_it_from_that_has_passed(
    own: ServedSageMaker,
) -> None:
    """A container that ends while it comes up, whatever killed it, as often as it likes."""
    model = own.model(answer="still here")
    name = own.serving(own.config(variant(model)))
    own.stop()
    kept = archive_of(own, model)
    own.environment.s3.put_object(Bucket=own.bucket, Key=f"{model}/model.tar.gz", Body=archive({"script.json": "{]"}))
    own.start()
    wait_until(lambda: "FailureReason" in own.describe(name))
    assert own.describe(name)["EndpointStatus"] == "SystemUpdating"
    assert "did not pass the ping health check" in own.describe(name)["FailureReason"]
    own.environment.s3.put_object(Bucket=own.bucket, Key=f"{model}/model.tar.gz", Body=kept)
    assert own.invoke(name)["Body"] == b"still here"
    own.reached(name, "InService")
    assert "FailureReason" not in own.describe(name)
    assert own.history(name) == ["Creating", "InService", "SystemUpdating", "InService"]
    assert len(own.containers()) == 1


def test_an_update_goes_on_when_what_kept_its_endpoint_from_serving_has_passed(
    own: ServedSageMaker, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    model, following = own.model(answer="old"), own.config_of(answer="new", gate=str(gate))
    name = own.serving(own.config(variant(model)))
    own.update(name, following)
    wait_until(lambda: len(own.containers()) == 2)
    lose_model_data(own, following)
    own.stop()
    kept = archive_of(own, model)
    own.environment.s3.put_object(Bucket=own.bucket, Key=f"{model}/model.tar.gz", Body=archive({"script.json": "{]"}))
    own.start()
    wait_until(lambda: "FailureReason" in own.describe(name))
    assert own.describe(name)["EndpointStatus"] == "Updating"
    own.environment.s3.put_object(Bucket=own.bucket, Key=f"{model}/model.tar.gz", Body=kept)
    own.reached(name, "InService")
    assert own.invoke(name)["Body"] == b"old"


def test_an_endpoint_that_does_not_come_back_can_be_deleted(own: ServedSageMaker) -> None:
    model = own.model()
    name = own.serving(own.config(variant(model)))
    own.stop()
    own.environment.s3.put_object(Bucket=own.bucket, Key=f"{model}/model.tar.gz", Body=archive({"script.json": "{]"}))
    own.start()
    wait_until(lambda: "FailureReason" in own.describe(name))
    with refused("ValidationException", "in-progress"):
        own.update(name, own.config_of())
    own.sagemaker.delete_endpoint(EndpointName=name)
    own.gone(name)
    assert own.containers() == []
    assert list((own.folder / "endpoints").iterdir()) == []


def test_a_deletion_that_was_under_way_is_done(own: ServedSageMaker, tmp_path: Path) -> None:
    name = own.serving(own.config_of(hold=str(tmp_path / "hold")))
    with own.asked(name) as answer:
        own.sagemaker.delete_endpoint(EndpointName=name)
        assert own.describe(name)["EndpointStatus"] == "Deleting"
        own.restart()
        assert answer.exception() is not None
    own.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"MaxAttempts": 1})


def test_a_rolled_back_update_keeps_its_reason(own: ServedSageMaker) -> None:
    name = own.serving(own.config_of())
    own.update(name, own.config_of(exit=1))
    own.reached(name, "InService")
    own.restart()
    own.reached(name, "InService")
    assert "did not pass the ping health check" in own.describe(name)["FailureReason"]


def test_what_a_killed_service_left_is_removed(tmp_path: Path) -> None:
    sockets = tmp_path / "sockets"
    left = tmp_path / "endpoints" / "i-0123456789abcdef0"
    sockets.mkdir()
    left.mkdir(parents=True)
    (left / "socket").symlink_to(sockets)
    end_leftovers(tmp_path / "endpoints")
    assert not left.exists()
    assert not sockets.exists()
