"""How often a model is right on what it is asked now: from few labels, or estimated without any."""

from backend.accuracy.comparison import Compared, WindowFigures, compare
from backend.accuracy.estimated import Calibration, Withheld, estimate
from backend.accuracy.interval import Interval
from backend.accuracy.realised import Counted, counted, expected_half_width, realised, realised_so_far
from backend.accuracy.sample import Sample, Stratum, draw_sample

__all__ = [
    "Calibration",
    "Compared",
    "Counted",
    "Interval",
    "Sample",
    "Stratum",
    "WindowFigures",
    "Withheld",
    "compare",
    "counted",
    "draw_sample",
    "estimate",
    "expected_half_width",
    "realised",
    "realised_so_far",
]
