"""Which training jobs run, and which wait for their turn."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque

from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.containers.process import end_leftover
from embedded_aws.sagemaker.registry import Query, StoredResource
from embedded_aws.sagemaker.training import states
from embedded_aws.sagemaker.training.job_run import INTERRUPTED, Cancellation, JobRun

KIND = "training-job"
_CORES_EACH = 2
_SECONDS_TO_END = 8.0


class TrainingQueue:
    """Runs training jobs in the order they were created, as many at once as the machine has pairs of cores."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._folder = account.folder / "training"
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._running: set[JobRun] = set()
        self._closed = False
        slots = max(1, account.limits.cores // _CORES_EACH)
        self._threads = [threading.Thread(target=self._serve, name=f"training-{n}", daemon=True) for n in range(slots)]

    def start(self) -> None:
        """Settle what an earlier service left unfinished, and begin with the jobs that still wait."""
        self._end_leftovers()
        for job in self._unfinished():
            self._recover(job)
        for thread in self._threads:
            thread.start()

    def submit(self, name: str) -> None:
        """Queue a job that is stored as starting."""
        with self._changed:
            self._waiting.append(name)
            self._changed.notify()

    def cancel(self, name: str) -> None:
        """Stop a job, wherever it is; one that has ended is passed over."""
        with self._changed:
            if name in self._waiting:
                self._waiting.remove(name)
                self._end(name, "Stopped")
            for run in self._running:
                if run.name == name:
                    run.cancel(Cancellation.STOPPED)

    def stop(self) -> None:
        """End the jobs that run, as failed; those that wait are taken up when the service starts again."""
        with self._changed:
            self._closed = True
            for run in self._running:
                run.cancel(Cancellation.SHUTDOWN)
            self._changed.notify_all()
        deadline = time.monotonic() + _SECONDS_TO_END
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _serve(self) -> None:
        """A slot: one job after the other."""
        while (run := self._next()) is not None:
            run.run()
            with self._changed:
                self._running.remove(run)

    def _next(self) -> JobRun | None:
        """Wait for a job and take it; None when the queue was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            name = self._waiting.popleft()
            job = self._account.registry.get(KIND, name)
            if job is None:
                raise RuntimeError(f"training job {name} was queued but is not stored")
            run = JobRun(self._account, job, self._folder / name)
            self._running.add(run)
            return run

    def _end_leftovers(self) -> None:
        """End the containers of an earlier service, and remove their folders."""
        self._folder.mkdir(exist_ok=True)
        for folder in self._folder.iterdir():
            end_leftover(folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _unfinished(self) -> list[StoredResource]:
        statuses = ("InProgress", "Stopping")
        jobs = [job for status in statuses for job in self._account.registry.select(Query(KIND, status=status))]
        return sorted(jobs, key=lambda job: (job.created, job.name))

    def _recover(self, job: StoredResource) -> None:
        if job.status == "Stopping":
            self._end(job.name, "Stopped")
        elif job.body["SecondaryStatus"] == "Starting":
            self._waiting.append(job.name)
        else:
            self._end(job.name, "Failed", INTERRUPTED)

    def _end(self, name: str, secondary: str, reason: str | None = None) -> None:
        self._account.registry.update(KIND, name, lambda job: states.ended(job, secondary, reason))
