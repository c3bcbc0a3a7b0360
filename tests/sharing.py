"""How several processes share the tests: those that need what takes long to make stay together, else each file.

xdist's own marks for groups have no effect since pytest 9.2 (github.com/pytest-dev/pytest-xdist/issues/1386).
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS: tuple[tuple[str, ...], ...] = (
    (
        "browser/test_monitoring",
        "browser/test_charts",
        "browser/test_accuracy",
        "browser/test_restart",
        "browser/test_strangers",
    ),  # the app started again on the survivor's folder
    ("pages/test_data_staging", "pages/test_pages_without_anything"),  # nothing that is there already
    ("pages/test_monitoring", "pages/test_notifications"),  # projects of their own
    ("pages/test_known_classes",),
    ("pages/", "backend/test_pipeline"),  # the whole pipeline
    ("browser/",),
    (
        "embedded_aws/sagemaker/course/",
        "embedded_aws/sagemaker/endpoints/test_real_serving",
        "embedded_aws/sagemaker/endpoints/test_endpoint_clients",
    ),  # an endpoint that serves what was learned
    (
        "backend/training/",
        "backend/evaluation/test_run",
        "backend/deployment/",
        "backend/staging/test_leftovers",
    ),  # a training job
    ("embedded_aws/sagemaker/containers/image_classification/test_training",),
    ("embedded_aws/sagemaker/containers/image_classification/test_serving",),
    ("embedded_aws/test_supervisor",),
    ("bombs/",),
    ("embedded_aws/test_ministack_state",),
    ("embedded_aws/sagemaker/test_kills",),
    ("embedded_aws/test_damage",),
    ("backend/web/",),  # served apps
)
"""Beginnings of files below `tests/`; the groups that take longest first. The first that fits holds."""


def order(nodeid: str) -> int:
    """The place of a test's group: who takes long begins early, so that no process is left alone with it."""
    file = nodeid.removeprefix("tests/")
    return next((at for at, beginnings in enumerate(GROUPS) if file.startswith(beginnings)), len(GROUPS))


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # published without types
    """Gives one group after the other to whichever process has next to nothing left, in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        place = order(nodeid)
        return str(place) if place < len(GROUPS) else nodeid.partition("::")[0]
