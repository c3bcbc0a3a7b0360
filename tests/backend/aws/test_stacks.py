"""Why a stack failed, in words: the first real reason, not what follows from it or where to read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.aws import stacks
from backend.aws.environment import Environment
from backend.errors import StackFailed
from tests import answers
from tests.projects import of_project

TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Project"}}}
BROKEN = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE", "TargetFunctionArn": "no-such-function"}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "scones-events-taken"}}


@pytest.fixture
def project(environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Environment]:
    """A project of its own, whose templates are the test's; its stack goes with the test."""
    monkeypatch.setattr(stacks, "TEMPLATES", tmp_path)
    opened = of_project(environment, "scones-events", tmp_path)
    yield opened
    stacks.delete_stack(opened, "scones-events-stack")


def deploy(project: Environment, resources: Mapping[str, Any]) -> None:
    template = {"Parameters": {"Project": {"Type": "String"}}, "Resources": resources}
    (project.settings.state_dir / "template.yaml").write_text(json.dumps(template), encoding="utf-8")
    stacks.deploy_stack(project, "scones-events-stack", "template.yaml", {})


def test_the_resource_that_failed_is_named_with_its_reason(project: Environment) -> None:
    with pytest.raises(StackFailed, match=r"is ROLLBACK_COMPLETE: Broken: Lambda function not found: no-such-function"):
        deploy(project, {"Topic": TOPIC, "Broken": BROKEN})


def test_a_change_that_fails_is_named_and_not_an_older_failure(project: Environment) -> None:
    with pytest.raises(StackFailed, match=r"Broken: "):
        deploy(project, {"Topic": TOPIC, "Broken": BROKEN})
    deploy(project, {"Topic": TOPIC})
    with pytest.raises(StackFailed, match=r"is UPDATE_ROLLBACK_COMPLETE: Later: Lambda function not found"):
        deploy(project, {"Topic": TOPIC, "Later": BROKEN})


def test_what_was_found_wrong_before_anything_was_made_is_named(project: Environment) -> None:
    """Of that the stack's own events say only: call DescribeEvents."""
    project.s3.create_bucket(Bucket="scones-events-taken")
    try:
        with pytest.raises(StackFailed) as failed:
            deploy(project, {"Taken": BUCKET})
    finally:
        project.s3.delete_bucket(Bucket="scones-events-taken")
    assert "Taken: Resource of type 'AWS::S3::Bucket' with identifier 'scones-events-taken' already" in str(
        failed.value
    )
    assert "DescribeEvents" not in str(failed.value)


def test_without_a_permission_for_the_details_what_is_known_is_said(project: Environment) -> None:
    project.s3.create_bucket(Bucket="scones-events-taken")
    try:
        with (
            answers.changed(project.cloudformation, "DescribeEvents", answers.denied),
            pytest.raises(
                StackFailed, match=r"is ROLLBACK_COMPLETE: scones-events-stack: Validation failed with 1 error"
            ),
        ):
            deploy(project, {"Taken": BUCKET})
    finally:
        project.s3.delete_bucket(Bucket="scones-events-taken")


def event(resource: str, status: str, reason: str = "") -> dict[str, Any]:
    own = {"ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": "stack-id"}
    told = {"ResourceType": "AWS::SNS::Topic", "PhysicalResourceId": resource}
    return {
        "StackId": "stack-id",
        "LogicalResourceId": resource,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **(own if resource == "scones-events-stack" else told),
    }


AWS_EVENTS = [  # newest first, as AWS tells them of a creation in which three resources were made side by side
    event("scones-events-stack", "ROLLBACK_COMPLETE"),
    event("scones-events-stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [A, B, C]."),
    event("C", "CREATE_FAILED", "Resource creation cancelled"),
    event("B", "CREATE_FAILED", "Also refused."),
    event("A", "CREATE_FAILED", "Not authorized to perform: sns:CreateTopic."),
    event("B0", "CREATE_FAILED", "Resource creation cancelled"),
    event("A", "CREATE_IN_PROGRESS"),
    event("scones-events-stack", "CREATE_IN_PROGRESS", "User Initiated"),
    event("Older", "UPDATE_FAILED", "Of an operation before."),
]


def test_a_cancelled_resource_is_never_the_reason(project: Environment) -> None:
    def as_aws_tells(answer: dict[str, Any]) -> None:
        answer["StackEvents"] = AWS_EVENTS

    with (
        answers.changed(project.cloudformation, "DescribeStackEvents", as_aws_tells),
        pytest.raises(StackFailed, match=r"ROLLBACK_COMPLETE: A: Not authorized to perform: sns:CreateTopic\. Mend"),
    ):
        deploy(project, {"Broken": BROKEN})


def test_of_several_validations_the_last_is_told(project: Environment) -> None:
    now = datetime.now(UTC)

    def as_aws_tells(answer: dict[str, Any]) -> None:
        answer["OperationEvents"] = [
            operation_event("2", now, "Second", "name is taken."),
            operation_event("2", now, "Third", "size is no number."),
            operation_event("1", now - timedelta(hours=1), "First", "of an operation before."),
        ]

    project.s3.create_bucket(Bucket="scones-events-taken")
    try:
        with (
            answers.changed(project.cloudformation, "DescribeEvents", as_aws_tells),
            pytest.raises(StackFailed, match=r": Second: name is taken; Third: size is no number\. Mend that"),
        ):
            deploy(project, {"Taken": BUCKET})
    finally:
        project.s3.delete_bucket(Bucket="scones-events-taken")


def operation_event(operation: str, at: datetime, resource: str, reason: str) -> dict[str, Any]:
    return {
        "OperationId": operation,
        "Timestamp": at,
        "LogicalResourceId": resource,
        "ValidationStatus": "FAILED",
        "ValidationStatusReason": reason,
    }
