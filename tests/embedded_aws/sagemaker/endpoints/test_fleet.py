"""The fleet's event loop: nothing that the disk does may hold up a request."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served import ServedSageMaker


def test_a_slow_disk_holds_up_no_request(served: ServedSageMaker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    name = served.serving(served.config_of(answer="old"))
    served.update(name, served.config_of(answer="new", gate=str(gate)))
    before = served.service.fleet.find(name)
    with ThreadPoolExecutor(1) as pool, served.service.account.registry.transaction():  # the fleet has to wait for it
        gate.touch()
        wait_until(lambda: served.service.fleet.find(name) is not before)
        assert pool.submit(served.invoke, name).result(timeout=10)["Body"] == b"new"
    served.reached(name, "InService")
    assert served.history(name) == ["Creating", "InService", "Updating", "InService"]
