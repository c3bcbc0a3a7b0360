"""Every way through the state machine on the embedded AWS, with answers that the images themselves hold."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import cleanup, workflow
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.workflow import Outcome
from tests.machine import THRESHOLD, Machine, answer, from_before
from tests.projects import of_project

KNOWN = ("bicycle", "motorcycle")
FIVE = ("bicycle", "bus", "motorcycle", "pickup_truck", "train")
BEGIN = ["SerializeImage", "ClassifyImage", "FilterInference"]
UNKNOWN = [*BEGIN, "IsKnown", "NotifyUnknown", "RejectUnknown"]
REJECTED = [*BEGIN, "IsKnown", "IsConfident", "NotifyRejection", "Reject"]
PASSED = [*BEGIN, "IsKnown", "IsConfident", "PassOn"]
FAILED = ["DescribeFailure", "NotifyFailure", "FailAsCaught"]


def states(execution: workflow.Execution) -> list[str]:
    return [visit.name for visit in execution.visits]


@pytest.fixture(scope="module")
def project(environment: Environment) -> Iterator[Environment]:
    own = of_project(environment, "scones-paths")
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))


@pytest.mark.parametrize("labels", [KNOWN, (*KNOWN, "other"), FIVE, (*FIVE, "other")])
def test_each_answer_goes_its_way(project: Environment, labels: tuple[str, ...]) -> None:
    sure = [answer(len(labels), index, THRESHOLD) for index in range(len(labels))]
    unsure = [answer(len(labels), index, THRESHOLD - 0.1) for index in range(len(labels))]
    ended = Machine(project, labels).run([*sure, *unsure])
    unknown = (Outcome.UNKNOWN, workflow.NOT_A_KNOWN_CLASS, UNKNOWN)
    passed, rejected = (Outcome.PASSED, None, PASSED), (Outcome.REJECTED, workflow.REJECTED, REJECTED)
    expected = [unknown if label == "other" else way for way in (passed, rejected) for label in labels]
    assert [(one.outcome, one.error, states(one)) for one in ended] == expected
    verdicts = [one.verdict for one in ended]
    assert [verdict.predicted_label for verdict in verdicts if verdict] == [*labels, *labels]
    assert [verdict.is_known for verdict in verdicts if verdict] == [label != "other" for label in (*labels, *labels)]
    assert [verdict.meets_threshold for verdict in verdicts if verdict] == [True] * len(labels) + [False] * len(labels)
    ends = {one.outcome: one.visits[-1].status for one in ended}
    wanted = {Outcome.PASSED: "succeeded", Outcome.REJECTED: "rejected", Outcome.UNKNOWN: "not a known class"}
    assert ends == {outcome: status for outcome, status in wanted.items() if outcome in ends}


def test_what_goes_wrong_fails_under_its_own_name_wherever_it_does(project: Environment) -> None:
    """No image; an endpoint that cannot take it; an answer of another model."""
    ended = Machine(project, (*KNOWN, "other")).run([None, "fail", answer(2, 0, 1.0)])
    assert [states(one) for one in ended] == [[*BEGIN[:reached], *FAILED] for reached in (1, 2, 3)]
    assert [one.outcome for one in ended] == [Outcome.FAILED] * 3
    assert [one.error for one in ended] == ["ImageMissing", "NotAnImage", "UnexpectedInference"]
    assert [one.verdict for one in ended] == [None] * 3


def test_what_can_help_is_tried_again_and_what_may_have_been_inferred_is_not(project: Environment) -> None:
    """Each fails the first time, and would answer the second."""
    answers = [{"raises": name, "then": answer(3, 0, 1.0)} for name in ("EndpointUnavailable", "AnswerLost")]
    unavailable, lost = Machine(project, (*KNOWN, "other")).run(answers)
    assert (unavailable.outcome, states(unavailable)) == (Outcome.PASSED, PASSED)
    assert (lost.error, states(lost)) == ("AnswerLost", [*BEGIN[:2], *FAILED])


def test_a_failure_says_what_went_wrong_in_a_sentence(project: Environment) -> None:
    missing, unfit = Machine(project, (*KNOWN, "other")).run([None, answer(2, 0, 1.0)])
    place = f"s3://{project.bucket}/uploads/missing.png"
    assert missing.cause == f"There is no image {place}. Stage the images again, or send it again."
    assert str(unfit.cause).startswith("The endpoint answered 2 probabilities for 3 labels. Deploy the workflow")


def test_no_state_holds_an_image_once_nobody_needs_it(project: Environment) -> None:
    """Neither after it was classified, nor after that failed: a history would hold it again and again."""
    passed, failed = Machine(project, (*KNOWN, "other")).run([answer(3, 0, 1.0), "fail"])
    for execution in (passed, failed):
        serialized, classified, *rest = execution.visits
        assert len(classified.input["image_data"]) > 0
        assert "image_data" not in json.dumps([classified.output, *((one.input, one.output) for one in rest)])
        assert serialized.input["image_data"] == ""
    assert [one.name for one in failed.visits[2:]] == FAILED


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        ({"s3_bucket": "b"}, "InvalidInput", "Field s3_key of the input is missing"),
        ({"s3_key": "k"}, "InvalidInput", "Field s3_bucket of the input is missing"),
        ({"s3_bucket": 7, "s3_key": "k"}, "InvalidInput", "Field s3_bucket of the input is 7"),
        ([], "InvalidInput", "no object"),
        ("text", "InvalidInput", "no object"),
        ({"s3_bucket": "no-such-bucket", "s3_key": "k"}, "BucketMissing", "no bucket no-such-bucket"),
    ],
)
def test_an_input_that_names_no_image_is_refused_at_the_door_and_told_of(
    project: Environment, machine: Machine, content: Any, error: str, words: str
) -> None:
    arn = project.names.state_machine_arn
    name = f"door-{uuid.uuid4().hex}"
    project.stepfunctions.start_execution(stateMachineArn=arn, name=name, input=json.dumps(content))
    for _ in attempts(f"Execution {name}", 60):
        execution = workflow.describe_execution(project, name)
        if execution.has_ended:
            break
    assert (execution.error, states(execution)) == (error, ["SerializeImage", *FAILED])
    assert words in str(execution.cause)
    assert execution.visits[-2].status == "succeeded"


@pytest.fixture
def machine(project: Environment) -> Machine:
    return Machine(project, (*KNOWN, "other"))


ANSWERS = {
    "passed": answer(3, 0, 1.0),
    "below the threshold": answer(3, 0, 0.6),
    "not a known class": answer(3, 2, 1.0),
    "failed": answer(2, 0, 1.0),
}


KINDS = dict(zip(ANSWERS, (None, "REJECTED", "NOT_A_KNOWN_CLASS", "FAILED"), strict=True))


def test_a_notification_says_who_what_why_and_where_to_look_and_of_which_kind_it_is(
    project: Environment, machine: Machine
) -> None:
    sns, sqs = project.session.client("sns"), project.session.client("sqs")
    url = sqs.create_queue(QueueName=f"{project.project}-heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = project.names.topic_arn
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    try:
        ended = machine.run(list(ANSWERS.values()))
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20)["Messages"]
    finally:
        sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)
    heard = {content["Subject"]: content for content in (json.loads(one["Body"]) for one in messages)}
    assert len(heard) == len(messages) == 3
    for (name, kind), execution in zip(KINDS.items(), ended, strict=True):
        of_it = [content for subject, content in heard.items() if name in subject]
        assert len(of_it) == (name != "passed")
        for content in of_it:
            assert content["MessageAttributes"] == {"kind": {"Type": "String", "Value": kind}}
            assert execution.name in content["Message"]
            assert f"s3://{project.bucket}/{execution.s3_key}" in content["Message"]
            assert str(execution.cause).split(" Verdict: ")[0] in content["Message"]
            assert "on the Test images page" in content["Message"]
            assert not any(mark in content["Message"] for mark in ("{", "stackTrace", "Traceback"))


def test_a_rejection_says_why_in_a_sentence_with_the_verdict_behind_it(machine: Machine) -> None:
    [rejected] = machine.run([answer(3, 0, 0.6)])
    reason, _, verdict = str(rejected.cause).partition(" Verdict: ")
    image = f"s3://{machine.project.bucket}/{rejected.s3_key}"
    assert (
        reason == f"The model takes {image} for bicycle with a confidence of 0.6, which is below the threshold of 0.9."
    )
    assert json.loads(verdict)["probabilities"] == answer(3, 0, 0.6)
    assert rejected.verdict is not None
    assert (rejected.verdict.confidence, rejected.verdict.threshold) == (0.6, 0.9)


def test_a_rejection_of_which_nobody_can_be_told_is_one(project: Environment, machine: Machine) -> None:
    project.session.client("sns").delete_topic(TopicArn=project.names.topic_arn)
    ended = machine.run(list(ANSWERS.values()))
    assert [one.outcome for one in ended] == [Outcome.PASSED, Outcome.REJECTED, Outcome.UNKNOWN, Outcome.FAILED]
    assert [one.visits[-2].status for one in ended[1:]] == ["failed"] * 3


def test_a_workflow_from_before_works_as_it_did_with_another_threshold_too_until_it_is_updated(
    project: Environment, tmp_path: Path
) -> None:
    labels = (*KNOWN, "other")
    answers = [answer(3, 0, 0.95), answer(3, 1, 0.8), answer(3, 2, 0.95)]
    with from_before(tmp_path):
        machine = Machine(project, labels)
    before = machine.run(answers)
    assert [one.outcome for one in before] == [Outcome.PASSED, Outcome.REJECTED, Outcome.PASSED]
    changed = workflow.update_threshold(project, 0.75)
    assert (changed.definition, changed.rejects_unknown) == (machine.deployed.definition, False)
    assert [one.outcome for one in machine.run(answers)] == [Outcome.PASSED] * 3
    machine = Machine(project, labels)
    assert machine.deployed.rejects_unknown
    assert [one.outcome for one in machine.run(answers)] == [Outcome.PASSED, Outcome.REJECTED, Outcome.UNKNOWN]
    again = [workflow.describe_execution(project, one.name) for one in before]
    assert again == before
    assert all(one.verdict and one.verdict.is_known for one in again)
