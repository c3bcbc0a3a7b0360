"""How often a model was right over a window of what an endpoint captured, by all that is known of its records.

The mathematics is `backend.accuracy`'s: here is what it is applied to.
"""

from backend.quality.answering import answering_model, calibrated, estimated, expected_half_width
from backend.quality.figures import (
    Realised,
    chance_error,
    class_names,
    confusion_matrix,
    figures_of,
    known_answers,
    realised_of,
    sampled_shares,
    truth_of,
)
from backend.quality.samples import Sampled, read_samples, sample_of, sampled
from backend.quality.window import MOST_RECORDS, Window, read_window

__all__ = [
    "MOST_RECORDS",
    "Realised",
    "Sampled",
    "Window",
    "answering_model",
    "calibrated",
    "chance_error",
    "class_names",
    "confusion_matrix",
    "estimated",
    "expected_half_width",
    "figures_of",
    "known_answers",
    "read_samples",
    "read_window",
    "realised_of",
    "sample_of",
    "sampled",
    "sampled_shares",
    "truth_of",
]
