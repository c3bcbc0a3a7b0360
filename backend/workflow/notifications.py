"""The inbox: what the topic sent, kept for 14 days in a queue of the foundation's stack.

A queue is no log. SQS gives what it has in no order, some of it twice, and hides what it gave for a while: so all that
is looked at is received, told apart by its id, ordered by when it was sent, and given back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.aws.stacks import find_stack, outputs_of
from backend.workflow.content import clean

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LOOKED_THROUGH = 1000
"""Notifications at the most: SQS gives ten at a time, in no order, so that the newest are known only among all."""
_A_BATCH = 10
_HIDDEN_SECONDS = 20
"""How long what was received is nobody else's, should it not be given back."""
_TOLD_BY_RULE = {
    "TIMED_OUT": "Scones Unlimited: an execution timed out",
    "ABORTED": "Scones Unlimited: an execution was stopped",
    "FAILED": "Scones Unlimited: the workflow failed",
}
"""The subject of what EventBridge sends, by the text's first word: it can give a message neither subject nor kind."""
_FIRST_WORD = re.compile(rf"({'|'.join(_TOLD_BY_RULE)}): ")
_PLACE = re.compile(r"See execution (\S+) on the Test images page, or \S+ in Step Functions\.")


@dataclass(frozen=True)
class Notification:
    """What the topic sent; `kind` and `execution` are None in what somebody else published."""

    message_id: str
    sent_at: datetime
    kind: str | None
    subject: str
    text: str
    execution: str | None


@dataclass(frozen=True)
class Inbox:
    """The newest notifications, newest first, and about how many there are in all."""

    notifications: tuple[Notification, ...]
    held: int


def read_inbox(environment: Environment, limit: int = 100) -> Inbox | None:
    """The newest notifications, which stay where they are; None where the deployment is older than the inbox.

    Of more than 1,000, SQS alone knows which are looked through.
    """
    with aws_errors("read the notifications"):
        if (url := _queue_url(environment)) is None:
            return None
        attributes = environment.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        held = int(attributes["Attributes"]["ApproximateNumberOfMessages"])
        received: dict[str, MessageTypeDef] = {}
        try:
            for message in _receive(environment, url, held):
                received[message["MessageId"]] = message
        finally:
            _give_back(environment, url, received.values())
    notifications = sorted(map(read_message, received.values()), key=lambda one: one.sent_at, reverse=True)
    return Inbox(tuple(notifications[:limit]), max(held, len(received)))


def clear_inbox(environment: Environment) -> None:
    """Delete all notifications; AWS lets that be done once a minute, and takes up to a minute."""
    with aws_errors("clear the inbox"):
        if (url := _queue_url(environment)) is not None:
            environment.sqs.purge_queue(QueueUrl=url)


def inbox_arn(environment: Environment) -> str | None:
    """The queue's ARN; None where the deployment is older than the inbox."""
    return outputs_of(find_stack(environment, environment.names.foundation_stack)).get("InboxArn")


def read_message(message: Mapping[str, Any]) -> Notification:
    """A message of the queue; what is not as SNS writes it is shown as it is.

    Source: SNS developer guide, "Amazon SNS message and JSON formats", and SQS API reference, Message.
    """
    envelope = _json_object(message["Body"])
    text = clean(str(envelope.get("Message", message["Body"])))
    if text.startswith('"') and text.endswith('"') and len(text) > 1:  # of EventBridge: its template is a JSON string
        text = text[1:-1]
    attribute = _member(_member(envelope, "MessageAttributes"), "kind").get("Value")
    kind = clean(attribute) if isinstance(attribute, str) else None
    subject = str(envelope.get("Subject") or "")
    if kind is None and (first := _FIRST_WORD.match(text)):
        kind, subject = first[1], _TOLD_BY_RULE[first[1]]
    places = _PLACE.findall(text)
    sent_at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return Notification(
        message["MessageId"], sent_at, kind, clean(subject), text, places[-1] if places and kind else None
    )


def _receive(environment: Environment, url: str, held: int) -> Iterator[MessageTypeDef]:
    """Up to so many messages as the queue holds; where it has fewer, after asking all its servers for more."""
    seen: set[str] = set()
    for _ in range(LOOKED_THROUGH // _A_BATCH):
        if len(seen) >= held:
            return
        answer = environment.sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_A_BATCH,
            VisibilityTimeout=_HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        messages = answer.get("Messages", [])
        yield from messages
        seen.update(message["MessageId"] for message in messages)
        if not messages:
            return


def _give_back(environment: Environment, url: str, messages: Iterable[MessageTypeDef]) -> None:
    """Let the messages be received again at once, by whoever looks next."""
    handles = iter([message["ReceiptHandle"] for message in messages])
    while batch := list(islice(handles, _A_BATCH)):
        environment.sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(batch)
            ],
        )


def _queue_url(environment: Environment) -> str | None:
    arn = inbox_arn(environment)
    return environment.sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"] if arn else None


def _json_object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _member(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    member = content.get(name)
    return member if isinstance(member, dict) else {}
