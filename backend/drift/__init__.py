"""Whether what an endpoint sees and answers is still as it was: an alarm with a promise, and descriptions without."""

from backend.drift.baseline import Baseline
from backend.drift.detector import DEFAULT_PROMISE, Alarm, Detector, Evidence
from backend.drift.features import Feature
from backend.drift.records import Records
from backend.drift.standing import Difference
from backend.drift.stored import StoredBaseline, pack, unpack

__all__ = [
    "DEFAULT_PROMISE",
    "Alarm",
    "Baseline",
    "Detector",
    "Difference",
    "Evidence",
    "Feature",
    "Records",
    "StoredBaseline",
    "pack",
    "unpack",
]
