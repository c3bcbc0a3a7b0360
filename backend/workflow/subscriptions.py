"""Who is told of what the topic sends, beside the inbox: e-mail addresses and URLs, once they have confirmed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.errors import InvalidSubscription
from backend.workflow.content import clean
from backend.workflow.notifications import inbox_arn

_PENDING = "PendingConfirmation"
"""What SNS says in the place of an ARN, of whoever has not confirmed."""
_E_MAIL = re.compile(r"[^@\s,;<>()]+@[^@\s,;<>()]+\.[^@\s,;<>().]+")


@dataclass(frozen=True)
class Subscription:
    """An address that is told; it is pending, and has no ARN, until whoever is there has confirmed."""

    endpoint: str
    protocol: str
    arn: str | None

    @property
    def is_pending(self) -> bool:
        return self.arn is None


def list_subscriptions(environment: Environment) -> list[Subscription]:
    """The topic's subscriptions, by address; the inbox's own is left out."""
    with aws_errors("list the subscriptions"):
        inbox = inbox_arn(environment)
        pages = environment.sns.get_paginator("list_subscriptions_by_topic").paginate(
            TopicArn=environment.names.topic_arn
        )
        found = [
            Subscription(
                clean(item["Endpoint"]),
                item["Protocol"],
                None if item["SubscriptionArn"] == _PENDING else item["SubscriptionArn"],
            )
            for page in pages
            for item in page["Subscriptions"]
            if item["Endpoint"] != inbox
        ]
    return sorted(found, key=lambda one: (one.endpoint, one.protocol))


def subscribe(environment: Environment, endpoint: str) -> None:
    """Ask an e-mail address or an https URL to confirm that it wants to be told; again where it is pending already.

    Raises InvalidSubscription for any other address.
    """
    endpoint = endpoint.strip()
    protocol = protocol_of(endpoint)
    with aws_errors(f"subscribe {endpoint}"):
        environment.sns.subscribe(TopicArn=environment.names.topic_arn, Protocol=protocol, Endpoint=endpoint)


def unsubscribe(environment: Environment, subscription: Subscription) -> None:
    """Tell an address no more; one that is not subscribed any more is no error.

    Raises InvalidSubscription for one that is pending: SNS drops it by itself, after two days.
    """
    if subscription.arn is None:
        raise InvalidSubscription(
            f"{subscription.endpoint} has not confirmed, and is told nothing. Leave it: after two days it is forgotten."
        )
    with aws_errors(f"unsubscribe {subscription.endpoint}"):
        environment.sns.unsubscribe(SubscriptionArn=subscription.arn)


def protocol_of(endpoint: str) -> Literal["email", "https"]:
    """How an address is told; raises InvalidSubscription where it is neither an e-mail address nor an https URL."""
    if not endpoint:
        raise InvalidSubscription("No address is given. Enter an e-mail address or an https URL.")
    if "://" not in endpoint:
        if _E_MAIL.fullmatch(endpoint):
            return "email"
        raise InvalidSubscription(f"{endpoint} is no e-mail address. Enter one, like ops@example.com, or an https URL.")
    if not _is_url(endpoint):
        raise InvalidSubscription(f"{endpoint} is no URL. Enter one with a host, like https://example.com/told.")
    if urlsplit(endpoint).scheme != "https":
        raise InvalidSubscription(f"{endpoint} is not of https, so others could read along. Enter an https URL.")
    return "https"


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        return bool(url.hostname) and url.port != 0 and not re.search(r"\s", text)
    except ValueError:  # a port that is no number, brackets that are never closed
        return False
