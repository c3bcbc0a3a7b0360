"""How good a model is on images that it has not seen, and which confidence is enough."""

from backend.evaluation.foreign import ForeignGroup, foreign_groups
from backend.evaluation.intervals import Proportion
from backend.evaluation.record import EvaluatedImage, Evaluation
from backend.evaluation.run import evaluate_model
from backend.evaluation.stored import read_evaluation
from backend.evaluation.threshold import Candidates, Passed

__all__ = [
    "Candidates",
    "EvaluatedImage",
    "Evaluation",
    "ForeignGroup",
    "Passed",
    "Proportion",
    "evaluate_model",
    "foreign_groups",
    "read_evaluation",
]
