"""Why a training job fails."""

from __future__ import annotations


class TrainingFailed(Exception):
    """When a training job cannot go on. The message is its FailureReason, which begins with whose fault it is:
    ClientError, AlgorithmError or InternalServerError."""
