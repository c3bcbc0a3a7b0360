"""The states of a training job, one after the other."""

from __future__ import annotations

import pytest

from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.training import states


@pytest.fixture
def job() -> StoredResource:
    return states.starting(StoredResource("training-job", "job", "arn"))


def reached(job: StoredResource) -> list[str]:
    return [transition["Status"] for transition in job.body["SecondaryStatusTransitions"]]


def test_a_new_job_is_starting(job: StoredResource) -> None:
    assert (job.status, job.body["SecondaryStatus"]) == ("InProgress", "Starting")
    assert job.body["SecondaryStatusTransitions"][0]["StartTime"] == job.created
    assert "TrainingStartTime" not in job.body


def test_each_state_ends_when_the_next_begins(job: StoredResource) -> None:
    for phase in ("Downloading", "Training", "Uploading"):
        job = states.entered(job, phase)
    job = states.ended(job, "Completed")
    transitions = job.body["SecondaryStatusTransitions"]
    assert reached(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert [item["EndTime"] for item in transitions[:-1]] == [item["StartTime"] for item in transitions[1:]]
    assert transitions[-1]["EndTime"] == transitions[-1]["StartTime"] == job.body["TrainingEndTime"]
    assert job.status == "Completed"


def test_training_time_counts_from_the_download(job: StoredResource) -> None:
    job = states.entered(job, "Downloading")
    job = states.entered(job.changed(TrainingStartTime=job.body["TrainingStartTime"] - 90), "Training")
    job = states.ended(job, "Completed")
    assert job.body["TrainingTimeInSeconds"] == job.body["BillableTimeInSeconds"] == 90


def test_a_job_that_stops_says_nothing_else_until_it_has_stopped(job: StoredResource) -> None:
    job = states.stopping(states.entered(job, "Downloading"))
    job = states.entered(states.entered(job, "Training"), "Uploading")
    assert (job.status, job.body["SecondaryStatus"]) == ("Stopping", "Stopping")
    job = states.ended(job, "Stopped")
    assert reached(job) == ["Starting", "Downloading", "Stopping", "Stopped"]
    assert job.status == "Stopped"


def test_a_job_over_its_time_is_stopped(job: StoredResource) -> None:
    job = states.ended(states.entered(job, "Downloading"), "MaxRuntimeExceeded")
    assert (job.status, job.body["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_that_never_had_its_turn_has_no_training_time(job: StoredResource) -> None:
    job = states.ended(job, "Stopped")
    assert "TrainingTimeInSeconds" not in job.body


def test_a_reason_is_cut_where_aws_cuts_it(job: StoredResource) -> None:
    job = states.ended(job, "Failed", "x" * 5000)
    assert job.body["FailureReason"] == "x" * 1024
