"""Ending an execution that runs, and sending once more what one was given."""

from __future__ import annotations

import re

from backend.aws.environment import Environment
from backend.workflow.batch import Planned
from backend.workflow.executions import execution_errors, execution_name

_DIGITS = re.compile("-[0-9a-f]{16}")
"""What `execution_name` puts behind the name of the image."""


def stop_execution(environment: Environment, name: str) -> None:
    """End an execution where it is; one that has ended already stays as it ended."""
    with execution_errors(f"stop execution {name}"):
        environment.stepfunctions.stop_execution(
            executionArn=environment.names.execution_arn(name), cause="Stopped by a person, on the Test images page."
        )


def planned_again(environment: Environment, name: str) -> Planned:
    """An execution of a new name, with the input of this one as it was; raises NotFound when that is gone."""
    with execution_errors(f"describe execution {name}"):
        described = environment.stepfunctions.describe_execution(executionArn=environment.names.execution_arn(name))
    return Planned(execution_name(_DIGITS.sub("", name)), None, described.get("input", "{}"))
