"""People say what captured pictures are: one large, one key a label, the model's answer afterwards.

The address `/review?queue=<id>` opens a queue. `/review?kind=sample&limit=50&from=<time>&to=<time>` fills in what a new
one is to be, which a click then draws; source, endpoint, variant and opinions may be named too. Other pages make such
an address by `pages.shared.reviewing.review_query`, and what became of a queue is `backend.review.Progress`.
"""

from __future__ import annotations

import streamlit as st

from backend import review
from backend.review import Queue
from pages.review.address import asked_for, opened_queue
from pages.review.desk import draw_desk
from pages.review.new import draw_new
from pages.review.queues import choose_queue
from pages.shared import PagePath, current_environment, draw_about, draw_missing, part, reads

st.title("Review")
draw_about(PagePath.REVIEW)
environment = current_environment()
queues: list[Queue] = []
chosen: Queue | None = None
request = asked_for()

with part():
    queues = reads.list_review_queues(environment)
    opened = opened_queue()
    is_listed = opened is None or any(queue.queue_id == opened for queue in queues)
    if opened is not None and not is_listed and (older := review.read_queue(environment, opened)):
        queues = [*queues, older]

top = st.container(horizontal=True, vertical_alignment="bottom")
with top:
    reviewer = st.text_input(
        "Your name",
        key="review.reviewer",
        persist_state="session",
        max_chars=100,
        placeholder="Kept with each label",
        width=200,
    ).strip()
    if request is None:
        with part():
            chosen = choose_queue(queues)

if chosen is None:
    place = st.container(border=True)
else:
    place = top.popover("New queue", icon=":material/playlist_add:", key="review.new")
with place, part():
    draw_new(environment, request, reviewer)

if chosen is not None and not reviewer:
    draw_missing("Type your name above: it is kept with what you say.")
elif chosen is not None:
    with part():
        draw_desk(environment, chosen, reviewer)
