"""The workflow stack: three Lambdas and a state machine, for one endpoint, its labels and a threshold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.stacks import TEMPLATES, change_parameters, delete_stack, deploy_stack, find_stack, outputs_of
from backend.errors import InvalidThreshold, NotFound, WorkflowNotDeployed
from backend.foundation import deploy_foundation
from backend.progress import Progress, no_progress
from backend.workflow.code import upload_definition, upload_function
from backend.workflow.definition import check_definition
from backend.workflow.outcome import NOT_A_KNOWN_CLASS

DEFAULT_THRESHOLD = 0.93
"""The course project's."""
REBUILD = "Delete the workflow stack on the cleanup page, and deploy the workflow again."
"""What to do when a part of the stack was deleted: CloudFormation does not notice, and makes nothing anew."""
_FUNCTIONS = {
    "SerializeImage": "serialize_image",
    "ClassifyImage": "classify_image",
    "FilterInference": "filter_inference",
}

_DEFINITIONS = {"DefinitionKey": "state_machine.asl.json", "FanOutDefinitionKey": "fan_out.asl.json"}
"""By the template's parameter that names where it is."""


@dataclass(frozen=True)
class LambdaFunction:
    """A deployed function; memory in MB, timeout in seconds. All but the name is None when it was deleted."""

    name: str
    runtime: str | None = None
    memory: int | None = None
    timeout: int | None = None
    modified_at: datetime | None = None

    @property
    def is_missing(self) -> bool:
        return self.modified_at is None


@dataclass(frozen=True)
class Workflow:
    """The deployed workflow; `labels` are in the order of the model's class index."""

    stack_status: str
    threshold: float
    endpoint_name: str
    labels: tuple[str, ...]
    topic_arn: str
    functions: tuple[LambdaFunction, ...]
    definition: dict[str, Any]
    fan_out: dict[str, Any] | None
    """The definition of the state machine for many images; None in a workflow deployed before there was one."""

    @property
    def rejects_unknown(self) -> bool:
        """Whether an answer `other` has an end of its own: it has none in a workflow deployed before there was one."""
        return any(state.get("Error") == NOT_A_KNOWN_CLASS for state in self.definition["States"].values())


def deploy_workflow(
    environment: Environment,
    endpoint_name: str,
    labels: Sequence[str],
    threshold: float,
    progress: Progress = no_progress,
) -> Workflow:
    """Create or update the workflow; one that is as it should be is left alone.

    Raises InvalidThreshold when the threshold is no confidence, InvalidDefinition when a state machine would not be
    taken, StackFailed when a resource fails; the workflow that worked before works still.
    """
    _check_threshold(threshold)
    for name in _DEFINITIONS.values():
        check_definition(environment, TEMPLATES / name, _substitutions(environment))
    deploy_foundation(environment, progress)
    with aws_errors("upload the workflow's code"):
        code = {f"{name}Code": upload_function(environment, folder) for name, folder in _FUNCTIONS.items()}
        for parameter, name in _DEFINITIONS.items():
            code[parameter] = upload_definition(environment, TEMPLATES / name)
    parameters = code | {
        "Bucket": environment.bucket,
        "EndpointName": endpoint_name,
        "Labels": json.dumps(list(labels)),
        "Threshold": repr(threshold),
        "TopicArn": environment.names.topic_arn,
    }
    deploy_stack(environment, environment.names.workflow_stack, "workflow.yaml", parameters, progress)
    return _require_workflow(environment)


def update_threshold(environment: Environment, threshold: float, progress: Progress = no_progress) -> Workflow:
    """Change the threshold of the workflow that is deployed: its code, its definition and all else stay as they are.

    Raises InvalidThreshold, WorkflowNotDeployed, and StackFailed as deploy_workflow does.
    """
    _check_threshold(threshold)
    _require_workflow(environment)
    change_parameters(environment, environment.names.workflow_stack, {"Threshold": repr(threshold)}, progress)
    return _require_workflow(environment)


def delete_workflow(environment: Environment, progress: Progress = no_progress) -> None:
    """Delete the Lambdas and the state machine, and with it the record of its executions."""
    delete_stack(environment, environment.names.workflow_stack, progress)


def describe_workflow(environment: Environment) -> Workflow | None:
    """The deployed workflow, or None when there is none that works."""
    with aws_errors("describe the workflow"):
        stack = find_stack(environment, environment.names.workflow_stack)
        outputs = outputs_of(stack)
        if stack is None or "StateMachineArn" not in outputs:
            return None
        parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}
        machine = find(environment.stepfunctions.describe_state_machine, stateMachineArn=outputs["StateMachineArn"])
        if machine is None:
            raise NotFound(f"State machine {environment.project} of the workflow was deleted. {REBUILD}")
        return Workflow(
            stack_status=stack["StackStatus"],
            threshold=float(parameters["Threshold"]),
            endpoint_name=parameters["EndpointName"],
            labels=tuple(json.loads(parameters["Labels"])),
            topic_arn=parameters["TopicArn"],
            functions=tuple(_describe_function(environment, folder) for folder in _FUNCTIONS.values()),
            definition=json.loads(machine["definition"]),
            fan_out=_fan_out_definition(environment, outputs),
        )


def _substitutions(environment: Environment) -> dict[str, str]:
    """What the template gives the definition's placeholders, of resources whose names are known before they are."""
    names = environment.names
    arns = {f"{name}Arn": names.function_arn(folder) for name, folder in _FUNCTIONS.items()}
    machines = {"WorkflowArn": names.state_machine_arn, "FanOutArn": names.fan_out_arn}
    return arns | machines | {"Partition": names.partition, "TopicArn": names.topic_arn}


def _fan_out_definition(environment: Environment, outputs: Mapping[str, str]) -> dict[str, Any] | None:
    if "FanOutArn" not in outputs:
        return None
    machine = find(environment.stepfunctions.describe_state_machine, stateMachineArn=outputs["FanOutArn"])
    return json.loads(machine["definition"]) if machine else None


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise InvalidThreshold(f"A threshold of {threshold:g} is not a confidence. Choose one from 0 to 1.")


def _require_workflow(environment: Environment) -> Workflow:
    if (deployed := describe_workflow(environment)) is None:
        raise WorkflowNotDeployed("No workflow is deployed. Deploy it on the workflow page.")
    return deployed


def _describe_function(environment: Environment, folder: str) -> LambdaFunction:
    name = environment.names.function(folder)
    function = find(environment.lambda_.get_function_configuration, FunctionName=name)
    if function is None:
        return LambdaFunction(name)
    modified_at = datetime.fromisoformat(function["LastModified"])
    return LambdaFunction(name, function["Runtime"], function["MemorySize"], function["Timeout"], modified_at)
