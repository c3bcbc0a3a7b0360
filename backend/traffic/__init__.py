"""Traffic: images sent through the workflow at a chosen rate, with drift that can be dialled in while they are."""

from backend.traffic.arrivals import Load, Pattern
from backend.traffic.distortions import MOST_SEVERE, PARAMETERS, Distortion, distort, meaning
from backend.traffic.drift import Drift, scenarios
from backend.traffic.live import Example, LiveRun, live_run
from backend.traffic.mix import Pool, read_pool
from backend.traffic.plan import FASTEST, LONGEST_SECONDS, MOST_IMAGES, TrafficPlan
from backend.traffic.run import run_traffic
from backend.traffic.runs import TrafficRun, list_runs
from backend.traffic.sent import Sent, Status, read_sent
from backend.traffic.summary import Totals, by_class, by_step, drift_changes, step_of, totals

__all__ = [
    "FASTEST",
    "LONGEST_SECONDS",
    "MOST_IMAGES",
    "MOST_SEVERE",
    "PARAMETERS",
    "Distortion",
    "Drift",
    "Example",
    "LiveRun",
    "Load",
    "Pattern",
    "Pool",
    "Sent",
    "Status",
    "Totals",
    "TrafficPlan",
    "TrafficRun",
    "by_class",
    "by_step",
    "distort",
    "drift_changes",
    "list_runs",
    "live_run",
    "meaning",
    "read_pool",
    "read_sent",
    "run_traffic",
    "scenarios",
    "step_of",
    "totals",
]
