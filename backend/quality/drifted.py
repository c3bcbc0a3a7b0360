"""Whether a window's pictures are known to be like those of the evaluation, which an estimate needs."""

from __future__ import annotations

from backend import drift_alarm
from backend.aws.environment import Environment
from backend.drift_alarm import Standing
from backend.monitoring import CaptureSource
from backend.quality.window import Window


def drifted(environment: Environment, source: CaptureSource, window: Window, job: str) -> str | None:
    """In a sentence, what is known of a drift from the evaluation of this job in a window, or why nothing is.

    None where all its records were compared with the evaluation's images, and no alarm was on. Raises DriftDamaged,
    CaptureUnavailable and AwsRequestError.
    """
    standings = drift_alarm.standings(environment, source)
    said = (_of_stream(standings.get(stream), stream[1], window, job) for stream in window.streams)
    return next(filter(None, said), None)


def _of_stream(standing: Standing | None, variant: str, window: Window, job: str) -> str | None:
    if standing is None or standing.watched.usual.job != job:
        return (
            f"Nothing compares the images of {variant} with those of its evaluation: choose it as the baseline on the "
            "Drift page."
        )
    since = standing.watched.since
    if window.first_at is not None and window.first_at < since:
        return f"The images of {variant} are compared with the evaluation's from {since:%Y-%m-%d %H:%M:%S} UTC on."
    if standing.is_counting:
        return f"The drift alarm has not counted the images of {variant} yet."
    if standing.difference is not None:
        return f"The images of {variant} differ from the evaluation's since the first record."
    for episode in drift_alarm.episodes(standing):
        if episode.since < window.selection.end and (episode.until is None or episode.until > window.selection.start):
            feature = drift_alarm.feature_words(episode.feature, episode.class_index, window.labels)
            return f"Drift: the {feature} changed at about {episode.since:%Y-%m-%d %H:%M:%S} UTC."
    return None
