"""The parts that pages share."""

from pages.components import reads
from pages.components.confirm import confirm
from pages.components.empty import draw_missing
from pages.components.environment import action, current_environment, draw_place, shown_errors
from pages.components.images import draw_images
from pages.components.live import JobName, follow, follow_job, is_running

__all__ = [
    "JobName",
    "action",
    "confirm",
    "current_environment",
    "draw_images",
    "draw_missing",
    "draw_place",
    "follow",
    "follow_job",
    "is_running",
    "reads",
    "shown_errors",
]
