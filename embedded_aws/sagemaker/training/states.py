"""The states of a training job, as changes of its resource: each is a pure function from before to after.

    InProgress   Starting -> Downloading -> Training -> Uploading
    Completed    Completed
    Failed       Failed
    Stopping     Stopping
    Stopped      Stopped, MaxRuntimeExceeded

Source: SageMaker API reference, DescribeTrainingJob, SecondaryStatus.
"""

from __future__ import annotations

from typing import Any

from embedded_aws.sagemaker.registry import StoredResource, now

_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
_FINAL_STATUS = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
}
ENDED = frozenset(_FINAL_STATUS.values())
_MAX_REASON = 1024


def starting(job: StoredResource) -> StoredResource:
    """A job just created: it waits for its turn."""
    return _entered(job, "InProgress", "Starting", job.created)


def entered(job: StoredResource, secondary: str) -> StoredResource:
    """The job in its next phase; one that is stopping stays Stopping, whatever phase it still goes through."""
    if job.status == "Stopping":
        return job
    time = now()
    job = _entered(job, job.status, secondary, time)
    return job if "TrainingStartTime" in job.body else job.changed(TrainingStartTime=time)


def stopping(job: StoredResource) -> StoredResource:
    """The job asked to stop."""
    return _entered(job, "Stopping", "Stopping", now())


def ended(job: StoredResource, secondary: str, reason: str | None = None) -> StoredResource:
    """The job at its end, with the reason when it failed, and the seconds that would be billed.

    A job that never left the queue has no training time.
    """
    time = now()
    job = _entered(job, _FINAL_STATUS[secondary], secondary, time, ends=time)
    members: dict[str, Any] = {"TrainingEndTime": time}
    if "TrainingStartTime" in job.body:
        seconds = max(1, round(time - job.body["TrainingStartTime"]))
        members |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    if reason is not None:
        members["FailureReason"] = reason[:_MAX_REASON]
    return job.changed(**members)


def _entered(
    job: StoredResource, status: str, secondary: str, time: float, ends: float | None = None
) -> StoredResource:
    transitions = [dict(transition) for transition in job.body.get("SecondaryStatusTransitions", [])]
    if transitions:
        transitions[-1]["EndTime"] = time
    transition: dict[str, Any] = {"Status": secondary, "StartTime": time, "StatusMessage": _MESSAGES[secondary]}
    if ends is not None:
        transition["EndTime"] = ends
    return job.changed(status, SecondaryStatus=secondary, SecondaryStatusTransitions=[*transitions, transition])
