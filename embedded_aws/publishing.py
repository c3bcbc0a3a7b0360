"""SNS where MiniStack (1.5.33) differs: a task's attributes, who is pending, and queues that only ever grow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TASK = "arn:aws:states:::sns:publish"
KEPT = 1_000
"""Messages in a queue that a topic sends to, the newest: each save writes them all. On AWS their age alone counts."""


def install() -> None:
    """Give MiniStack's SNS the attributes of a task as those of a request, the only form in which it knows them.

    And no ARN to a subscription that is pending, when it is listed (SNS API reference, ListSubscriptionsByTopic).
    A queue that nobody empties keeps the newest of what a topic sent.
    """
    from ministack.services import sns, sqs, stepfunctions

    publish = stepfunctions._SERVICE_DISPATCH[_TASK]

    def publish_with_attributes(resource: str, parameters: Mapping[str, Any]) -> Any:
        return publish(resource, {**parameters, **_as_request(parameters.get("MessageAttributes") or {})})

    stepfunctions._SERVICE_DISPATCH[_TASK] = publish_with_attributes
    list_by_topic = sns._list_subscriptions_by_topic

    def list_without_pending_arns(parameters: Mapping[str, Any]) -> Any:
        status, headers, body = list_by_topic(parameters)
        topic = sns._topic_by_arn_any_scope(sns._p(parameters, "TopicArn")) or {"subscriptions": []}
        for arn in (one["arn"] for one in topic["subscriptions"] if not one["confirmed"]):
            body = body.replace(f"<SubscriptionArn>{arn}<".encode(), b"<SubscriptionArn>PendingConfirmation<")
        return status, headers, body

    sns._list_subscriptions_by_topic = list_without_pending_arns
    deliver = sns._deliver_to_sqs

    def deliver_and_forget(endpoint: str, *arguments: Any, **options: Any) -> None:
        deliver(endpoint, *arguments, **options)
        if queue := sqs._queue_by_arn(endpoint):
            del queue["messages"][:-KEPT]

    sns._deliver_to_sqs = deliver_and_forget


def _as_request(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Source: SNS API reference, Publish, in the query protocol: MessageAttributes.entry.N."""
    request: dict[str, str] = {}
    for number, (name, attribute) in enumerate(attributes.items(), 1):
        entry = f"MessageAttributes.entry.{number}"
        request[f"{entry}.Name"] = name
        request |= {f"{entry}.Value.{member}": value for member, value in attribute.items()}
    return request
