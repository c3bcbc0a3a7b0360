"""SageMaker is killed in the middle of a batch, and started again by the app: beside the pages for their endpoint."""

from __future__ import annotations

import os
import signal

import pytest

from backend import staging, workflow
from backend.aws.environment import Environment

NAMED = {None, workflow.REJECTED, workflow.NOT_A_KNOWN_CLASS, "AnswerLost", "EndpointUnavailable", "ModelFailed"}
"""Verdicts; and what an image may end in that the endpoint had taken as it died, or that it was away too long for."""


@pytest.mark.slow
def test_each_image_has_a_verdict_or_an_error_with_a_name(populated: Environment) -> None:
    dataset = staging.describe_dataset(populated)
    assert dataset is not None
    keys = [image.key for image in staging.list_images(populated, dataset, "test")] * 5
    killed: list[int] = []

    def kill(share: float, _text: str) -> None:
        if share > 0.3 and not killed:
            killed.append(int((populated.settings.state_dir / "aws" / "sagemaker.lock").read_text()))
            os.kill(killed[0], signal.SIGKILL)

    executions = workflow.run_batch(populated, keys, kill)
    assert killed
    assert {one.error for one in executions} <= NAMED
    assert all(one.verdict or one.cause for one in executions)
    assert sum(one.verdict is not None for one in executions) >= len(keys) - 8  # as many were in flight
