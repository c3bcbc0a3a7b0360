"""A disk that is full while everything is at work: nothing acknowledged is lost, and all of it goes on with room."""

from __future__ import annotations

import hashlib
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from backend import monitoring, staging, training, workflow
from backend.aws.bucket import list_objects
from backend.aws.environment import Environment, open_environment
from backend.errors import SconesError
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from embedded_aws.installation import SERVICES
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.small_disk import SmallDisk, small_disk

_TRAINING = training.TrainingOptions(epochs=1)
_REFUSALS = 3
"""How often an activity is refused before there is room again."""


@dataclass
class Activity:
    """What a person does again and again, and what came of it."""

    once: Callable[[], object]
    successes: int = 0
    refusals: list[str] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    """What is no sentence for a person."""

    def keep_on(self, end: threading.Event) -> None:
        while not end.is_set():
            try:
                self.once()
                self.successes += 1
            except SconesError as refusal:
                self.refusals.append(str(refusal))
                end.wait(0.5)
            except Exception as fault:
                self.faults.append(fault)
                end.wait(0.5)


class Work:
    """Staging, training, a batch and the reading of captures, with what each was told is done."""

    def __init__(self, app: Environment, images: Sequence[str]) -> None:
        self._app = app
        self._images = itertools.cycle(images)
        self._sizes = itertools.count(33)
        self.has_room = True
        self.datasets: list[staging.Dataset] = []
        self.jobs: list[str] = []
        self.trained: list[str] = []
        self.executions: dict[str, str] = {}
        """How each ended; "" while nobody was told."""
        self.verdicts: set[str] = set()
        """Executions with a verdict, from begin to end while there was room."""
        self.staging = Activity(self._stage)
        self.training = Activity(self._train)
        self.batch = Activity(self._execute)
        self.reading = Activity(lambda: monitoring.refresh_captures(app))

    @property
    def activities(self) -> tuple[Activity, ...]:
        return self.staging, self.training, self.batch, self.reading

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Everything at once, the batch three times."""
        end = threading.Event()
        with ThreadPoolExecutor() as pool, ExitStack() as stack:
            stack.callback(end.set)
            for activity in (*self.activities, self.batch, self.batch):
                pool.submit(activity.keep_on, end)
            yield

    def await_successes(self) -> None:
        """Wait until each activity has succeeded once more."""
        before = [activity.successes for activity in self.activities]
        wait_until(lambda: all(now.successes > then for now, then in zip(self.activities, before, strict=True)))

    def _stage(self) -> None:
        self.datasets.append(staging.stage_dataset(self._app, staging.OfflineSample(next(self._sizes), 4), other=None))

    def _train(self) -> None:
        dataset = self.datasets[-1] if self.datasets else staging.describe_dataset(self._app)
        assert dataset is not None
        job = training.start_training(self._app, dataset, _TRAINING)
        self.jobs.append(job)
        training.wait_for_training(self._app, job)
        self.trained.append(job)

    def _execute(self) -> None:
        has_room = self.has_room
        name = workflow.submit_image(self._app, next(self._images))
        self.executions[name] = ""
        wait_until(lambda: workflow.describe_execution(self._app, name, with_history=False).has_ended)
        ended = workflow.describe_execution(self._app, name, with_history=False)
        self.executions[name] = ended.status
        if ended.verdict is not None and has_room and self.has_room:
            self.verdicts.add(name)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", megabytes=256) as mounted:
        yield mounted


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_on_a_full_disk_and_all_goes_on_with_room(disk: SmallDisk) -> None:
    settings = Settings(environment="embedded", state_dir=disk.folder, project="scones-full")
    with closing(open_environment(settings)) as app:
        run_pipeline(app, PipelineOptions(staging.OfflineSample(38, 4), other=None, training=_TRAINING, threshold=0.6))
        dataset = staging.describe_dataset(app)
        assert dataset is not None
        work = Work(app, [image.key for image in staging.list_images(app, dataset, "test")])
        with work.under_way():
            for _ in range(2):
                work.await_successes()
                fill_until_refused(disk, work)
            work.await_successes()
        assert [fault for activity in work.activities for fault in activity.faults] == []
        assert any("is full, and nothing was stored" in refusal for refusal in work.staging.refusals)
        check(app, work)
        for service in SERVICES:
            os.kill(int((disk.folder / "aws" / f"{service}.lock").read_text()), signal.SIGKILL)
        check(app, work)


def fill_until_refused(disk: SmallDisk, work: Work) -> None:
    """A disk that is full until a staging and a batch were refused, each some times."""
    before = [len(activity.refusals) for activity in (work.staging, work.batch)]
    work.has_room = False
    disk.fill()
    try:
        for activity, so_far in zip((work.staging, work.batch), before, strict=True):
            wait_until(lambda now=activity, then=so_far: len(now.refusals) >= then + _REFUSALS)  # type: ignore[misc]
    finally:
        disk.free()
        work.has_room = True


def check(app: Environment, work: Work) -> None:
    """What was acknowledged is there, as it was told."""
    for dataset in work.datasets:
        assert staging.describe_dataset(app, dataset.dataset_id) == dataset
        objects = list(list_objects(app, dataset.prefix))
        assert len(objects) == dataset.size("train") + dataset.size("test") + 3  # manifests and description
        for item in objects:
            body = app.s3.get_object(Bucket=app.bucket, Key=item["Key"])["Body"].read()
            assert hashlib.md5(body, usedforsecurity=False).hexdigest() == item["ETag"].strip('"')
    for job in work.jobs:
        described = training.describe_training(app, job)
        assert described.status == ("Completed" if job in work.trained else "Failed"), described.failure_reason
    for name, told in work.executions.items():
        execution = workflow.describe_execution(app, name, with_history=False)
        assert execution.has_ended
        assert told in ("", execution.status)
    assert work.verdicts
    wait_until(lambda: work.verdicts <= set(captured(app, work)))
    assert captured(app, work) == sorted(set(captured(app, work)))  # none twice


def captured(app: Environment, work: Work) -> list[str]:
    monitoring.refresh_captures(app)
    return sorted(monitoring.by_inference(app, list(work.executions))["inference_id"])
