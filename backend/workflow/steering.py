"""Ending an execution that runs, and sending once more what one was given."""

from __future__ import annotations

import re

from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from backend.workflow.batch import Planned
from backend.workflow.executions import execution_errors, execution_name

_DIGITS = re.compile("-[0-9a-f]{16}")
"""What `execution_name` puts behind the name of the image."""


def stop_execution(environment: Environment, name: str) -> None:
    """End an execution where it is; one that has ended already stays as it ended."""
    with execution_errors(f"stop execution {name}"):
        end_execution(
            environment, environment.names.execution_arn(name), "Stopped by a person, on the Test images page."
        )


def end_execution(environment: Environment, arn: str, cause: str) -> None:
    """End an execution; one that ended before the request arrived stays as it ended, whatever the service says.

    Step Functions has no error of its own for that (API reference, StopExecution): what it says is believed only
    while the execution goes on.
    """
    try:
        environment.stepfunctions.stop_execution(executionArn=arn, cause=cause)
    except ClientError:
        if environment.stepfunctions.describe_execution(executionArn=arn)["status"] == "RUNNING":
            raise


def planned_again(environment: Environment, name: str) -> Planned:
    """An execution of a new name, with the input of this one as it was; raises NotFound when that is gone."""
    with execution_errors(f"describe execution {name}"):
        described = environment.stepfunctions.describe_execution(executionArn=environment.names.execution_arn(name))
    return Planned(execution_name(_DIGITS.sub("", name)), None, described.get("input", "{}"))
