"""Background jobs: their progress, their ends, and what two sessions see of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from backend import jobs
from backend.aws.polling import goes_on
from backend.errors import InvalidArchive, JobAlreadyRunning
from backend.progress import Progress

TIMEOUT = 10.0


class Work:
    """Work that a test leads step by step: it reports when told to, and ends when told to."""

    def __init__(self) -> None:
        self.reported = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, progress: Progress) -> None:
        progress(0.4, "Two of five.")
        self.reported.set()
        assert self.may_end.wait(TIMEOUT)
        progress(0.8, "Four of five.")


@pytest.fixture
def work() -> Iterator[Work]:
    """Work under the name "test", ended and forgotten with the test."""
    work = Work()
    yield work
    work.may_end.set()
    jobs.wait("test", TIMEOUT)
    jobs.dismiss("test")


def start(work: Work) -> None:
    jobs.start("test", "Testing", work)
    assert work.reported.wait(TIMEOUT)


def ended() -> jobs.Job:
    job = jobs.wait("test", TIMEOUT)
    assert job is not None
    assert not job.is_running
    return job


def test_a_running_job_shows_its_progress_to_whoever_asks(work: Work) -> None:
    start(work)
    job = jobs.find("test")
    assert job is not None
    assert (job.status, job.title, job.fraction, job.message) == ("running", "Testing", 0.4, "Two of five.")


def test_a_job_that_returns_has_succeeded(work: Work) -> None:
    started = datetime.now(UTC)
    start(work)
    work.may_end.set()
    job = ended()
    assert (job.status, job.fraction, job.message, job.error) == ("succeeded", 1.0, "Four of five.", None)
    assert job.ended_at is not None
    assert started <= job.ended_at <= datetime.now(UTC)


def test_a_second_job_of_a_name_is_refused_while_one_runs(work: Work) -> None:
    start(work)
    with pytest.raises(JobAlreadyRunning, match="Testing is still running"):
        jobs.start("test", "Testing again", work)


def test_a_job_can_be_started_again_once_it_ended(work: Work) -> None:
    work.may_end.set()
    start(work)
    ended()
    jobs.start("test", "Testing again", work)
    job = ended()
    assert (job.title, job.status) == ("Testing again", "succeeded")


def test_jobs_of_different_names_run_at_the_same_time(work: Work) -> None:
    start(work)
    other_work = Work()
    other_work.may_end.set()
    jobs.start("test other", "Another", other_work)
    other = jobs.wait("test other", TIMEOUT)
    jobs.dismiss("test other")
    assert other is not None
    assert (other.title, other.status) == ("Another", "succeeded")
    assert not work.may_end.is_set()


def test_cancelling_ends_a_job_at_its_next_progress_call(work: Work) -> None:
    start(work)
    jobs.cancel("test")
    job = jobs.find("test")
    assert job is not None
    assert job.is_running
    assert job.is_cancelling
    work.may_end.set()
    job = ended()
    assert (job.status, job.message, job.error) == ("cancelled", "Four of five.", None)


@pytest.mark.usefixtures("work")
def test_a_job_that_finished_before_it_could_be_cancelled_says_so() -> None:
    last_report, may_end = threading.Event(), threading.Event()

    def finish(progress: Progress) -> None:
        progress(1.0, "All is done.")
        last_report.set()
        assert may_end.wait(TIMEOUT)

    jobs.start("test", "Testing", finish)
    assert last_report.wait(TIMEOUT)
    jobs.cancel("test")
    may_end.set()
    job = ended()
    assert (job.status, job.error) == ("succeeded", None)
    assert job.message == "All is done. It had finished before it could be cancelled."


@pytest.mark.usefixtures("work")
def test_a_cancelled_job_says_what_it_could_not_stop() -> None:
    reported, may_go_on = threading.Event(), threading.Event()

    def wait_for_aws(progress: Progress) -> None:
        with goes_on("The stack is still being made."):
            progress(0.5, "")
            reported.set()
            assert may_go_on.wait(TIMEOUT)
            progress(0.6, "")

    jobs.start("test", "Testing", wait_for_aws)
    assert reported.wait(TIMEOUT)
    jobs.cancel("test")
    may_go_on.set()
    job = ended()
    assert (job.status, job.error) == ("cancelled", "The stack is still being made.")


def test_cancelling_a_job_that_ended_changes_nothing(work: Work) -> None:
    work.may_end.set()
    start(work)
    before = ended()
    jobs.cancel("test")
    assert jobs.find("test") == before


@pytest.mark.usefixtures("work")
def test_an_error_for_people_fails_the_job_with_its_text_and_its_notes() -> None:
    def fail(progress: Progress) -> None:
        error = InvalidArchive("The archive is damaged.")
        error.add_note("Parts are left.")
        raise error

    jobs.start("test", "Testing", fail)
    job = ended()
    assert (job.status, job.error) == ("failed", "The archive is damaged. Parts are left.")


@pytest.mark.usefixtures("work")
def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail(progress: Progress) -> None:
        raise KeyError("color")

    with caplog.at_level(logging.ERROR):
        jobs.start("test", "Testing", fail)
        job = ended()
    assert job.status == "failed"
    assert job.error is not None
    assert job.error.startswith("Unexpected error: KeyError('color')")
    assert "Traceback" in caplog.text


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize(("reported", "shown"), [(-0.5, 0.0), (1.5, 1.0)])
def test_a_fraction_out_of_range_is_shown_as_the_nearest_in_it(reported: float, shown: float) -> None:
    fractions = []

    def report(progress: Progress) -> None:
        progress(reported, "")
        job = jobs.find("test")
        assert job is not None
        fractions.append(job.fraction)

    jobs.start("test", "Testing", report)
    ended()
    assert fractions == [shown]


def test_a_running_job_cannot_be_dismissed_but_an_ended_one_can(work: Work) -> None:
    start(work)
    jobs.dismiss("test")
    assert jobs.find("test") is not None
    work.may_end.set()
    ended()
    jobs.dismiss("test")
    assert jobs.find("test") is None


def test_cancelling_all_waits_until_each_job_has_ended(work: Work) -> None:
    start(work)
    threading.Timer(0.05, work.may_end.set).start()
    jobs.cancel_all(TIMEOUT)
    job = jobs.find("test")
    assert job is not None
    assert job.status == "cancelled"
