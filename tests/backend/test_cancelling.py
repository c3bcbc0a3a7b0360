"""Cancelling a job while it waits for AWS, which takes as long as the test wants: it ends, and says what goes on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backend import cleanup, deployment, foundation, jobs, staging, training, workflow
from backend.aws.environment import Environment
from backend.jobs import Status
from tests import answers
from tests.projects import of_project

TIMEOUT = 20.0
NAME = "cancelling"
_numbers = itertools.count(1)


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own; the job ends with the test, and whatever is left of the project goes."""
    opened = of_project(environment, f"scones-slow-{next(_numbers)}", tmp_path)
    yield opened
    jobs.cancel(NAME)
    jobs.wait(NAME, TIMEOUT)
    jobs.dismiss(NAME)
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


class Slow:
    """AWS, in which what is waited for stays as it is."""

    def __init__(self) -> None:
        self.asked_again = threading.Event()
        self._asked = 0

    def stack(self, status: str) -> Callable[[dict[str, Any]], None]:
        """Answers DescribeStacks with this status, for every stack that there is."""

        def change(answer: dict[str, Any]) -> None:
            for stack in answer.get("Stacks", []):
                stack["StackStatus"] = status
                self._count()

        return change

    def always(self, answer: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
        def respond(_request: dict[str, Any]) -> dict[str, Any]:
            self._count()
            return answer

        return respond

    def _count(self) -> None:
        self._asked += 1
        if self._asked > 1:  # by then it waits
            self.asked_again.set()


def cancelled(slow: Slow, work: jobs.Work) -> str:
    """Start the work, cancel it once it waits, and tell how it ended."""
    jobs.start(NAME, "Waiting", work)
    assert slow.asked_again.wait(TIMEOUT)
    jobs.cancel(NAME)
    job = jobs.wait(NAME, TIMEOUT)
    assert job is not None
    assert job.status is Status.CANCELLED
    return str(job.error)


def test_the_deployment_of_a_stack(project: Environment) -> None:
    slow = Slow()
    with answers.changed(project.cloudformation, "DescribeStacks", slow.stack("CREATE_IN_PROGRESS")):
        said = cancelled(slow, partial(foundation.deploy_foundation, project))
    assert said == f"CloudFormation goes on with stack {project.names.foundation_stack}."


def test_the_change_of_a_threshold(project: Environment) -> None:
    workflow.deploy_workflow(project, "no-such-endpoint", ("bicycle", "motorcycle"), 0.9)
    slow = Slow()
    with ExitStack() as stack:
        updated = threading.Event()

        def after_the_update(answer: dict[str, Any]) -> None:
            if updated.is_set():
                slow.stack("UPDATE_IN_PROGRESS")(answer)

        stack.enter_context(answers.changed(project.cloudformation, "UpdateStack", lambda _answer: updated.set()))
        stack.enter_context(answers.changed(project.cloudformation, "DescribeStacks", after_the_update))
        said = cancelled(slow, partial(workflow.update_threshold, project, 0.8))
    assert said == f"CloudFormation goes on with stack {project.names.workflow_stack}."


def test_the_deletion_of_a_stack(project: Environment) -> None:
    foundation.deploy_foundation(project)
    slow = Slow()
    with answers.changed(project.cloudformation, "DescribeStacks", slow.stack("DELETE_IN_PROGRESS")):
        said = cancelled(slow, partial(foundation.delete_foundation, project))
    assert said == f"CloudFormation goes on with stack {project.names.foundation_stack}."


def test_cleanup_leaves_what_it_did_not_begin(project: Environment) -> None:
    foundation.deploy_foundation(project)
    resources = cleanup.list_resources(project)
    assert [resource.kind.name for resource in resources] == ["foundation stack", "bucket"]
    slow = Slow()
    with answers.changed(project.cloudformation, "DescribeStacks", slow.stack("DELETE_IN_PROGRESS")):
        said = cancelled(slow, partial(cleanup.delete_resources, project, resources))
    assert said == f"CloudFormation goes on with stack {project.names.foundation_stack}."
    project.s3.head_bucket(Bucket=project.bucket)


def test_the_first_staging_while_the_bucket_is_made(project: Environment) -> None:
    slow = Slow()
    with answers.changed(project.cloudformation, "DescribeStacks", slow.stack("CREATE_IN_PROGRESS")):
        said = cancelled(slow, partial(_stage, project))
    assert said == f"CloudFormation goes on with stack {project.names.foundation_stack}."


def test_the_deletion_of_an_endpoint(project: Environment) -> None:
    slow, name = Slow(), project.names.endpoint
    with answers.answered(project.sagemaker, "DescribeEndpoint", slow.always(endpoint(name, "Deleting"))):
        said = cancelled(slow, partial(deployment.delete_endpoint, project))
    assert said.startswith(f"SageMaker goes on deleting endpoint {name};")


def test_the_wait_for_an_endpoint(project: Environment) -> None:
    slow, name = Slow(), project.names.endpoint
    with answers.answered(project.sagemaker, "DescribeEndpoint", slow.always(endpoint(name, "Creating"))):
        said = cancelled(slow, partial(deployment.wait_for_endpoint, project))
    assert said == f"SageMaker goes on with endpoint {name}."


def test_the_wait_for_a_training_job(project: Environment) -> None:
    slow, name = Slow(), project.names.stamped()
    with answers.answered(project.sagemaker, "DescribeTrainingJob", slow.always(training_job(name))):
        said = cancelled(slow, partial(training.wait_for_training, project, name))
    assert said == f"Training job {name} goes on: stop it on the training page."


def test_the_end_of_a_training_job_at_cleanup(project: Environment) -> None:
    slow, name = Slow(), project.names.stamped()
    arn = f"arn:aws:sagemaker:{project.region}:{project.account}:training-job/{name}"
    running = {
        "TrainingJobName": name,
        "TrainingJobArn": arn,
        "CreationTime": datetime.now(UTC),
        "TrainingJobStatus": "InProgress",
    }
    tags = {"Tags": [{"Key": "scones:project", "Value": project.project}]}

    def listed(request: dict[str, Any]) -> dict[str, Any]:
        return {"TrainingJobSummaries": [running] if request["StatusEquals"] == "InProgress" else []}

    with ExitStack() as stack:
        stack.enter_context(answers.answered(project.sagemaker, "ListTrainingJobs", listed))
        stack.enter_context(answers.answered(project.sagemaker, "ListTags", lambda _request: tags))
        [resource] = cleanup.list_resources(project)
        stack.enter_context(answers.answered(project.sagemaker, "StopTrainingJob", lambda _request: {}))
        stack.enter_context(
            answers.answered(project.sagemaker, "DescribeTrainingJob", slow.always(training_job(name, "Stopping")))
        )
        said = cancelled(slow, partial(cleanup.delete_resources, project, [resource]))
    assert said == f"SageMaker goes on stopping training job {name}."


def _stage(project: Environment, progress: Any) -> None:
    staging.stage_dataset(project, staging.OfflineSample(2, 1), progress=progress, other=None)


def endpoint(name: str, status: str) -> dict[str, Any]:
    """DescribeEndpoint's answer, of a configuration that is gone."""
    now = datetime.now(UTC)
    return {
        "EndpointName": name,
        "EndpointConfigName": f"{name}-gone",
        "EndpointStatus": status,
        "CreationTime": now,
        "LastModifiedTime": now,
    }


def training_job(name: str, status: str = "InProgress") -> dict[str, Any]:
    """DescribeTrainingJob's answer."""
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": status,
        "SecondaryStatus": "Training",
        "CreationTime": datetime.now(UTC),
    }
