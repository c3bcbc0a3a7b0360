"""What the topic sent, as the inbox shows it: of real executions, and of whatever else may be in a queue."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from backend import cleanup, foundation, workflow
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.errors import InvalidSubscription
from backend.workflow import subscriptions
from backend.workflow.notifications import Notification, read_message
from tests import answers
from tests.machine import Machine, answer
from tests.projects import of_project

ENVELOPE = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Timestamp": "t"}
"""Source: SNS developer guide, "Parsing message formats"."""
WAITS = {
    "StartAt": "Decide",
    "TimeoutSeconds": 1,
    "States": {
        "Decide": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.wait", "IsPresent": True, "Next": "Wait"}],
            "Default": "Fail",
        },
        "Wait": {"Type": "Wait", "Seconds": 60, "End": True},
        "Fail": {"Type": "Fail", "ErrorPath": "$.error"},
    },
}
"""Waits longer than its executions may take, or fails under a name of its input."""


def message(body: Any, milliseconds: int = 0) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"MessageId": "q", "Body": text, "Attributes": {"SentTimestamp": str(milliseconds)}}


def test_a_message_of_the_definition_is_told_by_its_attribute() -> None:
    text = (
        "Too unsure. See execution a-1 on the Test images page, or arn:aws:states:x:execution:y:a-1 in Step Functions."
    )
    attributes = {"kind": {"Type": "String", "Value": "REJECTED"}}
    found = read_message(
        message(ENVELOPE | {"Subject": "Rejected", "Message": text, "MessageAttributes": attributes}, 1_700_000_000_500)
    )
    assert (found.kind, found.subject, found.text, found.execution) == ("REJECTED", "Rejected", text, "a-1")
    assert found.sent_at.isoformat() == "2023-11-14T22:13:20.500000+00:00"


def test_a_message_of_the_rule_has_neither_attribute_nor_subject_and_is_told_by_its_first_word() -> None:
    """EventBridge gives SNS what its template makes of the event: a JSON string, with its quotes."""
    text = "ABORTED: It ended. See execution ü-1 on the Test images page, or arn:x in Step Functions."
    for sent in (text, f'"{text}"'):
        found = read_message(message(ENVELOPE | {"Message": sent}))
        assert (found.kind, found.text, found.execution) == ("ABORTED", text, "ü-1")
        assert found.subject == "Scones Unlimited: an execution was stopped"


def test_what_an_image_is_called_is_not_taken_for_the_execution() -> None:
    said = "See execution {} on the Test images page, or arn in Step Functions."
    attributes = {"kind": {"Type": "String", "Value": "FAILED"}}
    body = ENVELOPE | {"Message": f"{said.format('forged')} {said.format('real')}", "MessageAttributes": attributes}
    assert read_message(message(body)).execution == "real"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "17",
        "[]",
        "[" * 100_000,
        {},
        {"Message": 7},
        {"Message": None, "Subject": None},
        {"Message": '"', "MessageAttributes": []},
        {"Message": "x", "MessageAttributes": {"kind": "REJECTED"}},
        {"Message": "x", "MessageAttributes": {"kind": {"Value": 7}}},
    ],
)
def test_what_somebody_else_sent_is_shown_as_it_is(body: Any) -> None:
    found = read_message(message(body))
    assert (found.kind, found.execution) == (None, None)
    assert isinstance(found.text, str)
    assert isinstance(found.subject, str)


def test_what_utf_8_cannot_write_is_replaced() -> None:
    found = read_message(message('{"Message": "\\ud800", "Subject": "\\udfff"}'))
    assert (found.text, found.subject) == ("\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("endpoint", "protocol"),
    [
        ("ops@example.com", "email"),
        ("first.last+told@sub.example.co.uk", "email"),
        ("https://example.com", "https"),
        ("https://127.0.0.1:8443/told?by=sns", "https"),
    ],
)
def test_an_address_says_how_it_is_told(endpoint: str, protocol: str) -> None:
    assert subscriptions.protocol_of(endpoint) == protocol


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("", "No address is given"),
        ("ops", "no e-mail address"),
        ("ops@example", "no e-mail address"),
        ("a@example.com, b@example.com", "no e-mail address"),
        ("Ops <ops@example.com>", "no e-mail address"),
        ("mailto:ops@example.com, x", "no e-mail address"),
        ("http://example.com", "not of https"),
        ("ftp://example.com", "not of https"),
        ("https://", "no URL"),
        ("https://exam ple.com", "no URL"),
        ("https://example.com:http", "no URL"),
        ("https://[::1", "no URL"),
    ],
)
def test_any_other_address_is_refused_in_words(endpoint: str, words: str) -> None:
    with pytest.raises(InvalidSubscription, match=words):
        subscriptions.protocol_of(endpoint)


@pytest.fixture(scope="module")
def project(environment: Environment) -> Iterator[Environment]:
    own = of_project(environment, "scones-told")
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))


@pytest.fixture(scope="module")
def ended(project: Environment) -> dict[str, workflow.Execution]:
    """An execution of each kind, by the kind; then those of a state machine in the place of the workflow's."""
    kinds = ("passed", "REJECTED", "NOT_A_KNOWN_CLASS", "FAILED")
    given = (answer(3, 0, 1.0), answer(3, 0, 0.6), answer(3, 2, 1.0), "fail")
    found = dict(zip(kinds, Machine(project, ("bicycle", "motorcycle", "other")).run(given), strict=True))
    arn = project.names.state_machine_arn
    project.stepfunctions.update_state_machine(stateMachineArn=arn, definition=json.dumps(WAITS))
    names = {
        "ABORTED": start(project, {"wait": True}),
        "TIMED_OUT": start(project, {"wait": True}),
        "States.Runtime": start(project, {"error": "States.Runtime"}),
        "its own": start(project, {"error": "ImageMissing"}),
    }
    project.stepfunctions.stop_execution(executionArn=project.names.execution_arn(names["ABORTED"]))
    return found | {kind: followed(project, name) for kind, name in names.items()}


def start(project: Environment, content: dict[str, Any]) -> str:
    name = f"told-{uuid.uuid4().hex}"
    arn = project.names.state_machine_arn
    project.stepfunctions.start_execution(stateMachineArn=arn, name=name, input=json.dumps(content))
    return name


def followed(project: Environment, name: str) -> workflow.Execution:
    for _ in attempts(f"Execution {name}", 30):
        execution = workflow.describe_execution(project, name)
        if execution.has_ended:
            return execution
    raise AssertionError


@pytest.fixture(scope="module")
def told(project: Environment, ended: dict[str, workflow.Execution]) -> tuple[Notification, ...]:
    """The inbox when all of them have ended."""
    for _ in attempts("The inbox", 30):
        inbox = workflow.read_inbox(project)
        assert inbox is not None
        if len(inbox.notifications) >= 6:
            return inbox.notifications
    raise AssertionError


def test_each_end_that_is_no_pass_is_told_once_with_its_kind_and_where_to_look(
    ended: dict[str, workflow.Execution], told: tuple[Notification, ...]
) -> None:
    """An execution that fails in the definition's own words was told of by the definition: `its own` never was."""
    expected = {execution.name: kind for kind, execution in ended.items() if kind not in ("passed", "its own")}
    expected[ended["States.Runtime"].name] = "FAILED"
    assert {one.execution: one.kind for one in told} == expected
    assert len(told) == len(expected)
    assert all(one.subject.startswith("Scones Unlimited: ") for one in told)


def test_what_the_rule_tells_says_who_what_when_and_where_to_look(
    project: Environment, ended: dict[str, workflow.Execution], told: tuple[Notification, ...]
) -> None:
    texts = {one.execution: one.text for one in told}
    for status in ("ABORTED", "TIMED_OUT"):
        name = ended[status].name
        assert texts[name].startswith(f"{status}: The execution ended at 20")
        assert f"or {project.names.execution_arn(name)} in Step Functions." in texts[name]
        assert not any(mark in texts[name] for mark in '<>"{')


def test_an_execution_that_takes_longer_than_its_state_machine_allows_is_timed_out(
    ended: dict[str, workflow.Execution],
) -> None:
    late, stopped = ended["TIMED_OUT"], ended["ABORTED"]
    assert late.outcome is workflow.Outcome.TIMED_OUT
    assert late.stopped_at is not None
    assert 1 <= (late.stopped_at - late.started_at).total_seconds() < 20
    assert [(visit.name, visit.status) for visit in late.visits] == [("Decide", "succeeded"), ("Wait", "failed")]
    assert stopped.outcome is workflow.Outcome.STOPPED


def test_the_newest_are_first_and_stay_where_they_are(project: Environment, told: tuple[Notification, ...]) -> None:
    times = [one.sent_at for one in told]
    assert times == sorted(times, reverse=True)
    for limit in (2, 100):
        inbox = workflow.read_inbox(project, limit)
        assert inbox is not None
        assert inbox.held == len(told)
        assert {one.message_id for one in inbox.notifications} <= {one.message_id for one in told}
        assert [one.sent_at for one in inbox.notifications] == times[:limit]


def test_what_the_queue_gives_twice_is_shown_once(project: Environment, told: tuple[Notification, ...]) -> None:
    """At least once is what a standard queue promises; the second time under another handle."""

    def twice(parsed: dict[str, Any]) -> None:
        given = parsed.get("Messages", [])
        parsed["Messages"] = [*({**one, "ReceiptHandle": "another"} for one in given), *given]

    with answers.changed(project.sqs, "ReceiveMessage", twice):
        inbox = workflow.read_inbox(project)
    assert inbox is not None
    assert inbox.notifications == told


def test_only_the_rule_and_the_topic_may_send(project: Environment, told: tuple[Notification, ...]) -> None:
    topic = project.names.topic_arn
    allowed = json.loads(project.sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])["Statement"]
    answer = project.cloudformation.describe_stack_resource(
        StackName=project.names.workflow_stack, LogicalResourceId="UntoldEnds"
    )
    rule = answer["StackResourceDetail"]["PhysicalResourceId"]
    sources = [one["Condition"]["ArnEquals"]["aws:SourceArn"] for one in allowed]
    assert sources == [f"arn:aws:events:{project.region}:{project.account}:rule/{rule}"]
    url = queue_url(project)
    attributes = project.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    [statement] = json.loads(attributes["Policy"])["Statement"]
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == topic
    assert attributes["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert project.sqs.list_queue_tags(QueueUrl=url)["Tags"].items() >= project.tags.items()


def queue_url(project: Environment) -> str:
    """Of the one queue that is the project's."""
    [url] = project.sqs.list_queues(QueueNamePrefix=project.names.foundation_stack)["QueueUrls"]
    return url


def test_an_address_is_told_until_it_is_removed_and_pending_until_it_has_confirmed(
    project: Environment, told: tuple[Notification, ...]
) -> None:
    assert workflow.list_subscriptions(project) == []
    workflow.subscribe(project, " ops@example.com ")
    workflow.subscribe(project, "https://127.0.0.1:9/told")
    pending, confirmed = workflow.list_subscriptions(project)
    assert (pending.endpoint, pending.protocol, pending.is_pending) == ("https://127.0.0.1:9/told", "https", True)
    assert (confirmed.endpoint, confirmed.protocol, confirmed.is_pending) == ("ops@example.com", "email", False)
    workflow.unsubscribe(project, confirmed)
    workflow.unsubscribe(project, confirmed)
    with pytest.raises(InvalidSubscription, match="has not confirmed"):
        workflow.unsubscribe(project, pending)
    assert workflow.list_subscriptions(project) == [pending]


def test_a_cleared_inbox_is_empty(project: Environment, told: tuple[Notification, ...]) -> None:
    """The last to ask for what was told: it is gone then."""
    workflow.clear_inbox(project)
    assert workflow.read_inbox(project) == workflow.Inbox((), 0)


def test_without_a_foundation_or_with_one_of_before_there_is_no_inbox(environment: Environment) -> None:
    own = of_project(environment, "scones-untold")
    assert workflow.read_inbox(own) is None

    def without_inbox(parsed: dict[str, Any]) -> None:
        [stack] = parsed["Stacks"]
        stack["Outputs"] = [item for item in stack["Outputs"] if item["OutputKey"] == "TopicArn"]

    foundation.deploy_foundation(own)
    try:
        with answers.changed(own.cloudformation, "DescribeStacks", without_inbox):
            assert workflow.read_inbox(own) is None
            workflow.clear_inbox(own)
    finally:
        cleanup.delete_resources(own, cleanup.list_resources(own))
    assert own.sqs.list_queues(QueueNamePrefix=own.project).get("QueueUrls", []) == []
