"""The workflow stack: three Lambdas and a state machine, for one endpoint, its labels and a threshold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from backend.aws_errors import aws_errors
from backend.environment import Environment
from backend.errors import WorkflowNotDeployed
from backend.progress import Progress, no_progress
from backend.workflow.code import upload_definition, upload_function
from backend.workflow.model import LambdaFunction, Workflow
from backend.workflow.stacks import TEMPLATES, deploy_foundation, deploy_stack, find_stack

DEFAULT_THRESHOLD = 0.93
"""The course project's."""
_FUNCTIONS = {
    "SerializeImage": "serialize_image",
    "ClassifyImage": "classify_image",
    "FilterInference": "filter_inference",
}


def deploy_workflow(
    environment: Environment,
    endpoint_name: str,
    labels: Sequence[str],
    threshold: float,
    progress: Progress = no_progress,
) -> Workflow:
    """Create or update the workflow; one that is as it should be is left alone.

    Raises WorkflowNotDeployed when a resource fails or the threshold is no confidence; the workflow that worked before
    works still.
    """
    if not 0 <= threshold <= 1:
        raise WorkflowNotDeployed(f"A threshold of {threshold:g} is not a confidence. Choose one from 0 to 1.")
    deploy_foundation(environment, progress)
    with aws_errors("upload the workflow's code"):
        code = {f"{name}Code": upload_function(environment, folder) for name, folder in _FUNCTIONS.items()}
        definition = upload_definition(environment, TEMPLATES / "state_machine.asl.json")
    parameters = code | {
        "Bucket": environment.bucket,
        "DefinitionKey": definition,
        "EndpointName": endpoint_name,
        "Labels": json.dumps(list(labels)),
        "Threshold": repr(threshold),
        "TopicArn": _topic_arn(environment),
    }
    deploy_stack(environment, environment.workflow_stack, "workflow.yaml", parameters, progress)
    return _require_workflow(environment)


def update_threshold(environment: Environment, threshold: float, progress: Progress = no_progress) -> Workflow:
    """Deploy the workflow again with another threshold and all else as it is."""
    deployed = _require_workflow(environment)
    return deploy_workflow(environment, deployed.endpoint_name, deployed.labels, threshold, progress)


def describe_workflow(environment: Environment) -> Workflow | None:
    """The deployed workflow, or None when there is none that works."""
    with aws_errors("describe the workflow"):
        stack = find_stack(environment, environment.workflow_stack)
        outputs = {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])} if stack else {}
        if stack is None or "StateMachineArn" not in outputs:
            return None
        parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}
        arn = outputs["StateMachineArn"]
        machine = environment.stepfunctions.describe_state_machine(stateMachineArn=arn)
        return Workflow(
            stack_status=stack["StackStatus"],
            state_machine_arn=arn,
            threshold=float(parameters["Threshold"]),
            endpoint_name=parameters["EndpointName"],
            labels=tuple(json.loads(parameters["Labels"])),
            topic_arn=parameters["TopicArn"],
            functions=tuple(_describe_function(environment, folder) for folder in _FUNCTIONS.values()),
            definition=json.loads(machine["definition"]),
        )


def _require_workflow(environment: Environment) -> Workflow:
    if (deployed := describe_workflow(environment)) is None:
        raise WorkflowNotDeployed("No workflow is deployed. Deploy it on the workflow page.")
    return deployed


def _describe_function(environment: Environment, folder: str) -> LambdaFunction:
    name = f"{environment.project}-{folder.replace('_', '-')}"
    function = environment.lambda_.get_function_configuration(FunctionName=name)
    modified_at = datetime.fromisoformat(function["LastModified"])
    return LambdaFunction(name, function["Runtime"], function["MemorySize"], function["Timeout"], modified_at)


def _topic_arn(environment: Environment) -> str:
    place = f"{environment.partition}:sns:{environment.region}:{environment.account}"
    return f"arn:{place}:{environment.project}-notifications"
