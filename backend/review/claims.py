"""Who looks at which picture: a claim is an object in the bucket, taken and given back by conditional writes.

Of all who try, in whichever process or on whichever machine, S3 lets one succeed. A claim ends by itself some minutes
after it was taken, so what a closed window or a killed app had comes back; clocks may differ by less than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from backend.aws.bucket import read_version, replace_object
from backend.aws.environment import Environment
from backend.review.queue import QueueKeys

LEASE: Final = timedelta(minutes=5)
_ENDED: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ACTION: Final = "say who looks at a picture"


@dataclass(frozen=True)
class Claim:
    """An item is this session's until then; `reviewer` is who sits there."""

    session: str
    reviewer: str
    until: datetime


@dataclass(frozen=True)
class Held:
    """A claim that was taken, and the version by which it is given back."""

    item: int
    claim: Claim
    etag: str


@dataclass(frozen=True)
class Refused:
    """Somebody else's claim on an item."""

    by: Claim


def take(
    environment: Environment, queue_id: str, item: int, session: str, reviewer: str, *, left_by_oneself: bool = False
) -> Held | Refused:
    """Claim an item for a session, or say who has it; one's own claim is taken again, and lasts longer then.

    `left_by_oneself`: also what another session of this reviewer has, who seems to have left it.
    """
    key = QueueKeys(queue_id).claim(item)
    now = datetime.now(UTC)
    claim = Claim(session, reviewer, now + LEASE)
    content = msgspec.json.encode(claim)
    etag: str | None = None
    while (written := replace_object(environment, key, content, etag, action=_ACTION)) is None:
        found = read_version(environment, key)
        if found is None:
            etag = None
            continue
        held, etag = _decoded(found[0]), found[1]
        is_own = held.session == session or (left_by_oneself and held.reviewer == reviewer)
        if held.until > now and not is_own:
            return Refused(held)
    return Held(item, claim, written)


def give_back(environment: Environment, queue_id: str, held: Held) -> None:
    """Let others have an item; nothing is done where they have it already."""
    key = QueueKeys(queue_id).claim(held.item)
    ended = Claim(held.claim.session, held.claim.reviewer, _ENDED)
    replace_object(environment, key, msgspec.json.encode(ended), held.etag, action=_ACTION)


def _decoded(content: bytes) -> Claim:
    """What cannot be read claims nothing."""
    try:
        return msgspec.json.decode(content, type=Claim)
    except msgspec.MsgspecError:
        return Claim("", "", _ENDED)
