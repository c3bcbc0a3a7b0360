"""Review: people say what captured pictures are, and what that is good for."""

from backend.review.agreement import Agreement, agreement
from backend.review.desk import KNOWN_SECONDS, OPINIONS, Desk, Nothing, Shown
from backend.review.draw import MOST_ITEMS, Wish, make_queue
from backend.review.picture import Captured, read_captured
from backend.review.progress import Progress, pairs
from backend.review.promise import Counting, labelled_candidates
from backend.review.queue import MEANINGS, Item, Kind, Queue, list_queues, read_queue
from backend.review.taught import count_known, read_known

__all__ = [
    "KNOWN_SECONDS",
    "MEANINGS",
    "MOST_ITEMS",
    "OPINIONS",
    "Agreement",
    "Captured",
    "Counting",
    "Desk",
    "Item",
    "Kind",
    "Nothing",
    "Progress",
    "Queue",
    "Shown",
    "Wish",
    "agreement",
    "count_known",
    "labelled_candidates",
    "list_queues",
    "make_queue",
    "pairs",
    "read_captured",
    "read_known",
    "read_queue",
]
