"""What a topic sends to queues that nobody empties."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws import publishing

sns = pytest.importorskip("ministack.services.sns")
sqs = pytest.importorskip("ministack.services.sqs")
stepfunctions = pytest.importorskip("ministack.services.stepfunctions")


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A queue to which MiniStack's SNS delivers, with ours around it, which keeps three messages."""
    found: dict[str, Any] = {"name": "inbox", "is_fifo": False, "attributes": {}, "messages": []}
    for module, name in ((sns, "_list_subscriptions_by_topic"), (sns, "_deliver_to_sqs")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(stepfunctions, "_SERVICE_DISPATCH", dict(stepfunctions._SERVICE_DISPATCH))
    monkeypatch.setattr(sqs, "_queue_by_arn", lambda _arn: found)
    monkeypatch.setattr(publishing, "KEPT", 3)
    publishing.install()
    return found


def test_a_queue_keeps_the_newest_of_what_a_topic_sent(queue: dict[str, Any]) -> None:
    kept = []
    for number in range(5):
        sns._deliver_to_sqs("arn:aws:sqs:us-east-1:000000000000:inbox", str(number), False, str(number))
        kept.append([message["body"] for message in queue["messages"]])
    assert kept == [["0"], ["0", "1"], ["0", "1", "2"], ["1", "2", "3"], ["2", "3", "4"]]
