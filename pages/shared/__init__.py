"""What several pages use."""

from pages.shared import reads
from pages.shared.about import draw_about
from pages.shared.alarms import draw_alarms
from pages.shared.code import draw_code
from pages.shared.confirm import confirm
from pages.shared.environment import action, current_environment, draw_environment, part
from pages.shared.images import draw_images
from pages.shared.live import JobName, follow, follow_job, is_running
from pages.shared.missing import draw_missing, draw_next
from pages.shared.paths import PagePath

__all__ = [
    "JobName",
    "PagePath",
    "action",
    "confirm",
    "current_environment",
    "draw_about",
    "draw_alarms",
    "draw_code",
    "draw_environment",
    "draw_images",
    "draw_missing",
    "draw_next",
    "follow",
    "follow_job",
    "is_running",
    "part",
    "reads",
]
