"""A state machine whose executions end as their image's key says, without any Lambda."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest

from backend.aws.environment import Environment
from backend.workflow.steering import end_execution

VERDICT = {
    "predicted_label": "bicycle",
    "predicted_index": 0,
    "confidence": 0.9,
    "probabilities": [0.9, 0.1],
    "threshold": 0.8,
    "meets_threshold": True,
}
REJECTED = VERDICT | {
    "predicted_label": "motorcycle",
    "predicted_index": 1,
    "confidence": 0.6,
    "meets_threshold": False,
}


def _when(part: str, state: str) -> dict[str, str]:
    return {"Variable": "$.s3_key", "StringMatches": f"*{part}*", "Next": state}


DEFINITION = {
    "StartAt": "Wait",
    "States": {
        "Wait": {"Type": "Wait", "Seconds": 0.1, "Next": "How"},  # which AWS would not take
        "How": {
            "Type": "Choice",
            "Choices": [_when("slow", "Slow"), _when("reject", "Reject"), _when("fail", "Fail")],
            "Default": "Pass",
        },
        "Slow": {"Type": "Wait", "Seconds": 120, "Next": "Pass"},
        "Reject": {
            "Type": "Fail",
            "Error": "THRESHOLD_CONFIDENCE_NOT_MET",
            "Cause": f"Not sure enough. Verdict: {json.dumps(REJECTED)}",
        },
        "Fail": {"Type": "Fail", "Error": "EndpointMissing", "Cause": "There is no endpoint."},
        "Pass": {"Type": "Pass", "Result": VERDICT, "End": True},
    },
}


@contextmanager
def quick_machine(project: Environment) -> Iterator[str]:
    """The project's state machine, for as long as it is needed; what runs then is stopped. Gives its ARN."""
    machine = project.stepfunctions.create_state_machine(
        name=project.project, definition=json.dumps(DEFINITION), roleArn="arn:aws:iam::000000000000:role/any"
    )
    arn = machine["stateMachineArn"]
    yield arn
    stop_running(project, arn)
    project.stepfunctions.delete_state_machine(stateMachineArn=arn)


def stop_running(project: Environment, machine: str, prefix: str = "") -> list[str]:
    """Stop what a state machine runs and is named so; gives the names, also of what ended in the meantime."""
    running = project.stepfunctions.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    asked = [item for item in running if item["name"].startswith(prefix)]
    for item in asked:
        end_execution(project, item["executionArn"], "The test is over.")
    return [item["name"] for item in asked]


@contextmanager
def counted(client: Any) -> Iterator[Counter[str]]:
    """How often each operation is sent by this client of a service that speaks JSON."""
    counts: Counter[str] = Counter()

    def count(request: AWSPreparedRequest, **_: Any) -> None:
        target = request.headers["X-Amz-Target"]
        counts[(target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]] += 1

    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register(event, count)
    yield counts
    client.meta.events.unregister(event, count)


def executions_by_key(project: Environment) -> dict[str, list[str]]:
    """The names of all executions, by the key that each was given, as Step Functions tells it."""
    found: dict[str, list[str]] = {}
    pages = project.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=project.names.state_machine_arn
    )
    for item in (item for page in pages for item in page["executions"]):
        described = project.stepfunctions.describe_execution(executionArn=item["executionArn"])
        found.setdefault(json.loads(described["input"])["s3_key"], []).append(item["name"])
    return found
