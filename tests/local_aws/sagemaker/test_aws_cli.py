"""The AWS CLI against the embedded SageMaker. It pins a botocore of its own, so it is not installed with the project:
`aws` on the PATH is taken, or what SCONES_AWS_CLI names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from backend import local_aws
from backend.environment import Environment
from tests.local_aws.sagemaker.examples import IMAGE_URI, ROLE_ARN, training_request, variant

pytestmark = pytest.mark.slow
Aws = Callable[..., Any]


@pytest.fixture(scope="module")
def aws(environment: Environment) -> Aws:
    """Runs `aws sagemaker` with options, members of structures as JSON; returns what it prints. Raises when it fails."""
    program = os.environ.get("SCONES_AWS_CLI") or shutil.which("aws")
    if program is None:
        pytest.skip("no AWS CLI: put aws on the PATH, or name it in SCONES_AWS_CLI")
    variables = local_aws.start(environment.settings.state_dir).variables()
