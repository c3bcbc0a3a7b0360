"""One training job, from its turn in the queue to its end."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from embedded_aws.refusals import is_disk_full, no_room
from embedded_aws.sagemaker.account import Account
from embedded_aws.sagemaker.containers.image_classification import METRIC_DEFINITIONS
from embedded_aws.sagemaker.containers.log_file import LogFollower
from embedded_aws.sagemaker.containers.log_stream import LogStream
from embedded_aws.sagemaker.registry import StoredResource
from embedded_aws.sagemaker.s3_uri import S3Uri
from embedded_aws.sagemaker.training import states
from embedded_aws.sagemaker.training.artifacts import upload_folder
from embedded_aws.sagemaker.training.channels import download_channel
from embedded_aws.sagemaker.training.container_run import TrainingContainer
from embedded_aws.sagemaker.training.failures import TrainingFailed
from embedded_aws.sagemaker.training.folder import TrainingFolder
from embedded_aws.sagemaker.training.metrics import TrainingMetrics

INTERRUPTED = "InternalServerError: The embedded SageMaker ended while the training job ran. Create another one."
_log = logging.getLogger(__name__)
_SECONDS_BETWEEN_ENDS = 1.0
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


class Cancellation(Enum):
    """Why a job ends before its algorithm does; the value is the secondary status that it ends in."""

    STOPPED = "Stopped"
    MAX_RUNTIME = "MaxRuntimeExceeded"
    SHUTDOWN = "Failed"


class JobRun:
    """Runs one job: downloads its channels, trains in a container, uploads the model, and keeps the job's state.

    `run` belongs to one thread; `cancel` may be called from any.
    """

    def __init__(self, account: Account, job: StoredResource, folder: Path) -> None:
        self.name = job.name
        self._account = account
        self._job = job
        self._folder = TrainingFolder(folder)
        self._container = TrainingContainer(self._folder, account.program, _variables(job))
        self._cancelled = threading.Event()
        self._cancellation: Cancellation | None = None

    def run(self) -> None:
        """Run the job to its end, whatever that is, and store it."""
        with self._time_limit():
            reason = self._failure_reason()
        shutil.rmtree(self._folder.path, ignore_errors=True)
        self._end(reason)

    def cancel(self, cancellation: Cancellation) -> None:
        """End the job early: its algorithm is asked to finish, and its model so far is kept; at shutdown, neither."""
        if self._cancellation is None or cancellation is Cancellation.SHUTDOWN:
            self._cancellation = cancellation
        self._cancelled.set()
        self._container.stop(0 if cancellation is Cancellation.SHUTDOWN else self._account.limits.training_end_seconds)

    @contextmanager
    def _time_limit(self) -> Iterator[None]:
        seconds = self._job.body["StoppingCondition"]["MaxRuntimeInSeconds"]
        timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self._exceed)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _exceed(self) -> None:
        self._update(lambda job: states.stopping(job) if job.status == "InProgress" else job)
        self.cancel(Cancellation.MAX_RUNTIME)

    def _failure_reason(self) -> str | None:
        """Do the work; None when it was done."""
        try:
            self._work()
        except TrainingFailed as failure:
            return str(failure)
        except Exception as error:  # whatever it is: the job has failed, and its queue goes on
            _log.exception("training job %s", self._job.name)
            if is_disk_full(error):
                return f"ClientError: {no_room(self._account.folder)}"
            return f"InternalServerError: {error!r}"
        return None

    def _work(self) -> None:
        self._enter("Downloading")
        self._download()
        if self._cancelled.is_set():
            return
        self._enter("Training")
        self._train()
        if self._cancellation is not Cancellation.SHUTDOWN:
            self._enter("Uploading")
            self._upload()

    def _download(self) -> None:
        self._folder.prepare(self._job)
        for channel in self._job.body["InputDataConfig"]:
            folder = self._folder.channel(channel["ChannelName"])
            folder.mkdir(parents=True)
            download_channel(self._account.s3, channel, self._job.body["RoleArn"], folder, self._cancelled)

    def _train(self) -> None:
        self._folder.log.touch()
        with self._log_followed():
            code = self._container.run()
        if code and not self._cancelled.is_set():
            raise TrainingFailed(_algorithm_failure(self._folder.failure(), code))

    @contextmanager
    def _log_followed(self) -> Iterator[None]:
        """Bring the container's lines to CloudWatch Logs and its metrics to CloudWatch, each at its own pace."""
        stream = LogStream(self._account.logs, _LOG_GROUP, f"{self._job.name}/algo-1-{int(time.time())}")
        metrics = TrainingMetrics(self._account.cloudwatch, self._account.registry, self._job, METRIC_DEFINITIONS)
        followers = [LogFollower(self._folder.log, deliver) for deliver in (stream.deliver, metrics.deliver)]
        for follower in followers:
            follower.start()
        try:
            yield
        finally:
            for follower in followers:
                follower.finish(0 if self._cancellation is Cancellation.SHUTDOWN else self._account.limits.log_seconds)

    def _upload(self) -> None:
        """Upload the model, and what else the algorithm wrote; a job that was stopped may have neither."""
        artifact = S3Uri.parse(self._job.body["ModelArtifacts"]["S3ModelArtifacts"])
        if not self._cancelled.is_set() or any(self._folder.model.iterdir()):
            upload_folder(self._account.s3, self._folder.model, self._folder.path / "model.tar.gz", artifact)
        if any(self._folder.output.iterdir()):
            destination = S3Uri(artifact.bucket, artifact.key.removesuffix("model.tar.gz") + "output.tar.gz")
            upload_folder(self._account.s3, self._folder.output, self._folder.path / "output.tar.gz", destination)

    def _enter(self, secondary: str) -> None:
        self._update(lambda job: states.entered(job, secondary))

    def _end(self, reason: str | None) -> None:
        secondary = "Failed" if reason else "Completed"
        if self._cancellation is not None:
            secondary = self._cancellation.value
        if self._cancellation is Cancellation.SHUTDOWN:
            reason = INTERRUPTED
        while True:
            try:
                self._update(lambda job: states.ended(job, secondary, reason))
                return
            except sqlite3.OperationalError as error:  # a job never stays unfinished: its end waits for room
                if not is_disk_full(error) or self._cancellation is Cancellation.SHUTDOWN:
                    raise
                time.sleep(_SECONDS_BETWEEN_ENDS)

    def _update(self, change: Callable[[StoredResource], StoredResource]) -> None:
        self._account.registry.update(self._job.kind, self._job.name, change)


def _variables(job: StoredResource) -> dict[str, str]:
    return {**job.body.get("Environment", {}), "TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn}


def _algorithm_failure(written: str, code: int) -> str:
    """SageMaker's FailureReason: what the algorithm wrote, which may say that the client is at fault, and the code."""
    blamed = written if written.startswith(("ClientError:", "AlgorithmError:")) else f"AlgorithmError: {written}"
    return f"{blamed}, exit code: {code}"
