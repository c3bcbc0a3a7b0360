"""The states of a training job, one after the other."""

from __future__ import annotations

import pytest

from backend.local_aws.sagemaker import training_states
from backend.local_aws.sagemaker.store import Resource


@pytest.fixture
def job() -> Resource:
    return training_states.starting(Resource("training-job", "job", "arn"))


def reached(job: Resource) -> list[str]:
    return [transition["Status"] for transition in job.body["SecondaryStatusTransitions"]]


def test_a_new_job_is_starting(job: Resource) -> None:
    assert (job.status, job.body["SecondaryStatus"]) == ("InProgress", "Starting")
    assert job.body["SecondaryStatusTransitions"][0]["StartTime"] == job.created
    assert "TrainingStartTime" not in job.body


def test_each_state_ends_when_the_next_begins(job: Resource) -> None:
    for phase in ("Downloading", "Training", "Uploading"):
        job = training_states.entered(job, phase)
    job = training_states.ended(job, "Completed")
    transitions = job.body["SecondaryStatusTransitions"]
    assert reached(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert [item["EndTime"] for item in transitions[:-1]] == [item["StartTime"] for item in transitions[1:]]
    assert transitions[-1]["EndTime"] == transitions[-1]["StartTime"] == job.body["TrainingEndTime"]
    assert job.status == "Completed"


def test_training_time_counts_from_the_download(job: Resource) -> None:
    job = training_states.entered(job, "Downloading")
    job = training_states.entered(job.changed(TrainingStartTime=job.body["TrainingStartTime"] - 90), "Training")
    job = training_states.ended(job, "Completed")
    assert job.body["TrainingTimeInSeconds"] == job.body["BillableTimeInSeconds"] == 90


def test_a_job_that_stops_says_nothing_else_until_it_has_stopped(job: Resource) -> None:
    job = training_states.stopping(training_states.entered(job, "Downloading"))
    job = training_states.entered(training_states.entered(job, "Training"), "Uploading")
    assert (job.status, job.body["SecondaryStatus"]) == ("Stopping", "Stopping")
    job = training_states.ended(job, "Stopped")
    assert reached(job) == ["Starting", "Downloading", "Stopping", "Stopped"]
    assert job.status == "Stopped"


def test_a_job_over_its_time_is_stopped(job: Resource) -> None:
    job = training_states.ended(training_states.entered(job, "Downloading"), "MaxRuntimeExceeded")
    assert (job.status, job.body["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_a_job_that_never_had_its_turn_has_no_training_time(job: Resource) -> None:
    job = training_states.ended(job, "Stopped")
    assert "TrainingTimeInSeconds" not in job.body


def test_a_reason_is_cut_where_aws_cuts_it(job: Resource) -> None:
    job = training_states.ended(job, "Failed", "x" * 5000)
    assert job.body["FailureReason"] == "x" * 1024
