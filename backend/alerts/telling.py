"""Telling people that a rule's state changed: by the workflow's topic, whose inbox keeps it."""

from __future__ import annotations

from backend.alerts.standings import Change
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors

KIND = "alert"
"""The message attribute by which subscribers can filter; the workflow's own notifications have others."""
_LONGEST_SUBJECT = 99


def tell(environment: Environment, change: Change, condition: str | None) -> None:
    """Publish a change, with the rule's condition where there still is that rule; raises AwsRequestError.

    Attributes are kind, state and rule. Source: SNS API reference, Publish.
    """
    with aws_errors(f"tell that {change.rule} is {change.after.words}"):
        environment.sns.publish(
            TopicArn=environment.names.topic_arn,
            Subject=_subject(change),
            Message=text_of(change, condition),
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": KIND},
                "state": {"DataType": "String", "StringValue": change.after.value},
                "rule": {"DataType": "String", "StringValue": change.rule},
            },
        )


def text_of(change: Change, condition: str | None) -> str:
    """The message: what changed, why, and where to look."""
    lines = [f"{change.after.words}: {change.rule} was {change.before.words} until {change.at:%Y-%m-%d %H:%M:%S} UTC."]
    lines.append(change.reason)
    if condition is not None:
        lines.append(f"The rule: {condition}.")
    lines.append("See the Alerts page.")
    return "\n".join(lines)


def _subject(change: Change) -> str:
    """SNS takes up to 100 characters of ASCII, and no line end."""
    name = change.rule.encode("ascii", "replace").decode()
    return f"Scones Unlimited: {change.after.words}: {name}"[:_LONGEST_SUBJECT]
