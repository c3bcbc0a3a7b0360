"""The folder that a training container finds as its /opt/ml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from embedded_aws.sagemaker.registry import StoredResource

_HOST = "algo-1"
_GROUP = "homogeneousCluster"


class TrainingFolder:
    """Where everything of SageMaker's training contract is, below one folder.

    Source: SageMaker developer guide, "How Amazon SageMaker Provides Training Information".
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.model = path / "model"
        self.output = path / "output" / "data"
        self.log = path / "container.log"
        self._failure = path / "output" / "failure"
        self._configuration = path / "input" / "config"

    def channel(self, name: str) -> Path:
        return self.path / "input" / "data" / name

    def prepare(self, job: StoredResource) -> None:
        """Make the folders, and write what the container reads about its job."""
        for folder in (self.model, self.output, self._configuration):
            folder.mkdir(parents=True, exist_ok=True)
        self._write("hyperparameters", job.body.get("HyperParameters", {}))
        self._write("inputdataconfig", {item["ChannelName"]: _channel(item) for item in job.body["InputDataConfig"]})
        self._write("resourceconfig", _resources(job.body["ResourceConfig"]["InstanceType"]))

    def failure(self) -> str:
        """What the container wrote about its failure; empty when it wrote nothing."""
        return self._failure.read_text(encoding="utf-8", errors="replace").strip() if self._failure.exists() else ""

    def _write(self, name: str, content: dict[str, Any]) -> None:
        (self._configuration / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def _channel(channel: dict[str, Any]) -> dict[str, Any]:
    content_type = {"ContentType": channel["ContentType"]} if "ContentType" in channel else {}
    return content_type | {
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }


def _resources(instance_type: str) -> dict[str, Any]:
    group = {"instance_group_name": _GROUP, "instance_type": instance_type, "hosts": [_HOST]}
    return {
        "current_host": _HOST,
        "current_instance_type": instance_type,
        "current_group_name": _GROUP,
        "hosts": [_HOST],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }
