"""A reviewer at work on a queue: one picture after the other, the next one fetched while this one is looked at."""

from __future__ import annotations

import uuid
from collections.abc import Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from backend.aws.environment import Environment
from backend.errors import LabelRefused
from backend.review.claims import Held, Refused, give_back, take
from backend.review.opinions import Kept, Opinion, Opinions, change, give, is_open, mend_truth
from backend.review.picture import Captured, read_captured
from backend.review.queue import Item, Queue

OPINIONS: Final = Opinions()
"""Those of every queue that this process has looked at."""
KNOWN_SECONDS: Final = 2.0
"""How late what other processes were told may be known: of a picture that is claimed it is asked again."""
_fetching: Final = ThreadPoolExecutor(8, "next picture")


@dataclass(frozen=True)
class Shown:
    """A picture at the desk: `own` is what the reviewer said of it, `others` what was said before."""

    item: Item
    captured: Captured
    held: Held
    others: tuple[Kept, ...]
    own: Kept | None = None

    @property
    def said(self) -> str | None:
        """The reviewer's label, while it stands."""
        return self.own.opinion.label if self.own else None


@dataclass(frozen=True)
class Nothing:
    """No picture is left for this reviewer: `elsewhere` are with somebody else just now, `passed_over` were skipped.

    `is_unknown`: or there is one, and it could not be looked for.
    """

    elsewhere: int
    passed_over: int
    is_unknown: bool = False


class Desk:
    """A session's place at a queue. One thread at a time may use it.

    `shown` is what is looked at. Raises AwsRequestError and CaptureUnavailable as its methods do.
    """

    def __init__(self, environment: Environment, queue: Queue, reviewer: str) -> None:
        self.queue, self.reviewer = queue, reviewer
        self._environment = environment
        self._session = uuid.uuid4().hex
        self._skipped: set[int] = set()
        self._labelled: list[Shown] = []
        self._at = 0
        """The place of what is shown among what this session labelled; behind it all is what comes next."""
        by_item = OPINIONS.of_queue(environment, queue.queue_id)
        mend_truth(environment, queue, by_item)
        self._next = self._find(frozenset())
        self._after: Future[Shown | Nothing] | None = self._begin_to_find()

    @property
    def shown(self) -> Shown | Nothing:
        return self._labelled[self._at] if self._at < len(self._labelled) else self._next

    @property
    def last(self) -> Shown | None:
        """What was labelled before what is shown, with its answer, which may be seen now."""
        return self._labelled[self._at - 1] if self._at else None

    @property
    def is_looking_back(self) -> bool:
        return self._at < len(self._labelled)

    @property
    def can_go_back(self) -> bool:
        return self._at > 0

    def label(self, number: int, label: str) -> None:
        """Say what the shown picture is, and go on; what is meant for another picture, `number`, is passed over.

        When this returns the label is in the bucket. Raises LabelRefused where somebody else was first.
        """
        shown = self.shown
        if isinstance(shown, Nothing) or shown.item.number != number or shown.captured.image is None:
            return
        try:
            labelled = replace(shown, own=self._keep(shown, label))
        except LabelRefused:
            if not self.is_looking_back:
                self._go_on()
            raise
        if self.is_looking_back:
            self._labelled[self._at] = labelled
            self._at += 1
        else:
            self._labelled.append(labelled)
            self._at = len(self._labelled)
            if self.queue.opinions > 1:
                give_back(self._environment, self.queue.queue_id, shown.held)
            self._go_on()

    def skip(self, number: int) -> None:
        """Leave the shown picture to others, and go on."""
        shown = self.shown
        if isinstance(shown, Nothing) or self.is_looking_back or shown.item.number != number:
            return
        self._skipped.add(number)
        give_back(self._environment, self.queue.queue_id, shown.held)
        self._go_on()

    def undo(self) -> None:
        """Take back what was said before what is shown, and show that picture.

        Raises LabelRefused while somebody else looks at it.
        """
        if not self._at:
            return
        shown = self._labelled[self._at - 1]
        if shown.said is not None:
            held = self._take(shown.item)
            if isinstance(held, Refused):
                raise LabelRefused(f"{held.by.reviewer} is asked about that picture just now. Try again in a moment.")
            shown = replace(shown, held=held, own=self._keep(shown, None))
        self._at -= 1
        self._labelled[self._at] = shown

    def back(self) -> None:
        """Show the picture before, with what was said of it, which can be changed."""
        self._at = max(0, self._at - 1)

    def forth(self) -> None:
        """The other way."""
        self._at = min(len(self._labelled), self._at + 1)

    def look_again(self) -> None:
        """See what others have said meanwhile, and what was skipped."""
        self._skipped.clear()
        self._go_on()

    def leave(self) -> None:
        """Let others have what is at this desk."""
        after = self._after.result() if self._after and self._after.exception() is None else None
        for shown in (self._next, after):
            if isinstance(shown, Shown):
                give_back(self._environment, self.queue.queue_id, shown.held)

    def _keep(self, shown: Shown, label: str | None) -> Kept:
        kept = self._write(shown, label)
        OPINIONS.note(self.queue.queue_id, kept)
        return kept

    def _write(self, shown: Shown, label: str | None) -> Kept:
        now, own = datetime.now(UTC), shown.own
        if own is not None:
            opinion = replace(own.opinion, label=label, changed_at=now)
            return change(self._environment, self.queue, shown.item, own, opinion, shown.others)
        assert label is not None  # noqa: S101  only what was said is taken back
        item = shown.item
        opinion = Opinion(
            item=item.number,
            slot=len(shown.others) + 1,
            reviewer=self.reviewer,
            label=label,
            first_label=label,
            labelled_at=now,
            changed_at=None,
            kind=self.queue.kind,
            weight=item.weight,
            source=self.queue.source,
            event_id=shown.captured.event_id,
            inference_id=item.inference_id,
            image_key=item.image_key,
        )
        return give(self._environment, self.queue, item, opinion, shown.others)

    def _go_on(self) -> None:
        found, self._after, self._next = self._after, None, Nothing(0, 0, is_unknown=True)
        after = found.result() if found is not None and found.exception() is None else None
        self._next = after if isinstance(after, Shown) else self._find(frozenset())  # else it was so a while ago
        self._after = self._begin_to_find()

    def _begin_to_find(self) -> Future[Shown | Nothing] | None:
        if not isinstance(self._next, Shown):
            return None
        return _fetching.submit(self._find, frozenset({self._next.item.number}))

    def _find(self, at_desk: Set[int]) -> Shown | Nothing:
        """The first picture that somebody is to be asked about and nobody else has; then it is this session's."""
        by_item = OPINIONS.of_queue(self._environment, self.queue.queue_id, KNOWN_SECONDS)
        mine = [
            item
            for item in self.queue.items
            if item.number not in at_desk and self._may_be_asked(by_item.get(item.number, ()))
        ]
        left = [item for item in mine if item.number not in self._skipped]
        elsewhere = 0
        for is_last_look in (False, True):
            elsewhere = 0
            for item in left:
                held = self._take(item, left_by_oneself=is_last_look)
                if isinstance(held, Refused):
                    elsewhere += 1
                elif (shown := self._shown(item, held)) is not None:
                    return shown
        return Nothing(elsewhere, len(mine) - len(left))

    def _take(self, item: Item, *, left_by_oneself: bool = False) -> Held | Refused:
        queue_id, session = self.queue.queue_id, self._session
        return take(self._environment, queue_id, item.number, session, self.reviewer, left_by_oneself=left_by_oneself)

    def _shown(self, item: Item, held: Held) -> Shown | None:
        """A claimed item with its picture; None where it was labelled just before it was claimed."""
        said = OPINIONS.of_item(self._environment, self.queue.queue_id, item.number)
        if not self._may_be_asked(said):
            give_back(self._environment, self.queue.queue_id, held)
            return None
        own = next((kept for kept in said if kept.opinion.reviewer == self.reviewer), None)
        others = tuple(kept for kept in said if kept is not own)
        return Shown(item, read_captured(self._environment, self.queue, item), held, others, own)

    def _may_be_asked(self, kept: Sequence[Kept]) -> bool:
        """Whether somebody is still to be asked about an item, and this reviewer has not been."""
        said = [one.opinion for one in kept]
        has_said = any(one.reviewer == self.reviewer and one.label is not None for one in said)
        return not has_said and is_open(said, self.queue.opinions)
