"""Choosing the queue to go on with."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backend.review import Queue
from backend.wording import count_of
from pages.review.address import open_queue, opened_queue
from pages.shared.text import visible
from pages.shared.times import format_time

_CHOSEN = "review.queue"


def choose_queue(queues: Sequence[Queue]) -> Queue | None:
    """The queue that the address names, or the newest one; None where there is none."""
    if not queues:
        return None
    by_id = {queue.queue_id: queue for queue in queues}
    opened = opened_queue()
    if opened is not None and opened not in by_id:
        st.warning("There is no queue of this address any more: the newest one is shown.", icon=":material/link_off:")
    st.session_state[_CHOSEN] = opened if opened in by_id else queues[0].queue_id
    titles = _titles(queues)
    st.selectbox(
        "Queue",
        list(by_id),
        format_func=titles.__getitem__,
        key=_CHOSEN,
        on_change=_open,
        width=480,
    )
    return by_id[st.session_state[_CHOSEN]]


def _open() -> None:
    open_queue(st.session_state[_CHOSEN])


def _titles(queues: Sequence[Queue]) -> dict[str, str]:
    """By id, no two alike: the browser sends back the title of what was chosen."""
    titles: dict[str, str] = {}
    for queue in queues:
        title = visible(_title(queue))
        titles[queue.queue_id] = f"{title} ({queue.queue_id})" if title in titles.values() else title
    return titles


def _title(queue: Queue) -> str:
    asked = ", two opinions each" if queue.opinions > 1 else ""
    pictures = count_of(len(queue.items), "picture")
    return f"{queue.kind.capitalize()}: {pictures}{asked}; {queue.made_by}, {format_time(queue.made_at)}"
