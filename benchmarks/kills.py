"""Kill what runs, at random moments under a batch, and count what was acknowledged and is gone.

An app of its own process owns the embedded AWS, as one that is served does; an ingest of its own process reads what the
endpoint captured. The clients are here, in a second app on the same folder, and outlive every kill.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from backend import monitoring, training, workflow
from backend.aws.environment import Environment, open_environment
from backend.aws.names import CAPTURES_PREFIX
from backend.errors import SconesError
from backend.pipeline import PipelineOptions, run_pipeline
from backend.settings import Settings
from backend.staging import OfflineSample, describe_dataset, list_images
from backend.training import TrainingOptions
from benchmarks.place import say

VICTIMS = ("app", "supervisor", "ministack", "sagemaker", "serve", "train", "ingest")
_RECOVERY_SECONDS = 60.0
_QUIET_SECONDS = (0.5, 3.0)  # between a recovery and the next kill
_CAPTURE_SECONDS = 60.0
_FAILURES = (SconesError, BotoCoreError, ClientError, OSError)
_PROJECT = "scones-kills"


def measure(rounds: int = 100) -> dict[str, Any]:
    """The figures: how many things were lost, came twice or never came back, and the longest recovery in seconds."""
    with (
        tempfile.TemporaryDirectory(prefix="scones-kills-", ignore_cleanup_errors=True) as name,
        _process("app", Path(name)) as app,
        closing(open_environment(_settings(Path(name)))) as environment,
    ):
        options = PipelineOptions(OfflineSample(38, 4), other=None, training=TrainingOptions(epochs=1), threshold=0.5)
        run_pipeline(environment, options)
        with _process("ingest", Path(name)) as ingest:
            return _Run(environment, Path(name), {"app": app, "ingest": ingest}).measure(rounds)


def _settings(folder: Path) -> Settings:
    return Settings(environment="embedded", state_dir=folder, project=_PROJECT)


@dataclass
class _Child:
    """A process of this module's own, which can be killed and started again."""

    role: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603  our own module, with our own interpreter
            [sys.executable, "-m", "benchmarks.kills", self.role, str(self.folder)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None  # noqa: S101  a pipe was asked for
        self.process.stdout.readline()

    def kill(self) -> None:
        assert self.process is not None  # noqa: S101  it was started
        self.process.kill()
        self.process.communicate()


@contextmanager
def _process(role: str, folder: Path) -> Iterator[_Child]:
    child = _Child(role, folder)
    child.start()
    try:
        yield child
    finally:
        child.kill()


@dataclass
class _Acknowledged:
    """What clients were told was done."""

    executions: set[str] = field(default_factory=set)
    ends: dict[str, str] = field(default_factory=dict)
    classified: set[str] = field(default_factory=set)
    objects: dict[str, str] = field(default_factory=dict)
    thresholds: list[float] = field(default_factory=lambda: [0.5])
    """The one that was acknowledged last, and those that were tried since."""


class _Clients:
    """Clients that go on asking whatever happens."""

    def __init__(self, environment: Environment, images: Sequence[str]) -> None:
        self.environment = environment
        self.acknowledged = _Acknowledged()
        self._images = images
        self._numbers = itertools.count()
        self._end = threading.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        tasks: list[Callable[[int], object]] = [self.execute] * 3 + [self._store, self._change, self._train]
        with ThreadPoolExecutor(len(tasks)) as pool:
            running = [pool.submit(self._keep_asking, task) for task in tasks]
            try:
                yield
            finally:
                self._end.set()
            for task in running:
                task.result()

    def _keep_asking(self, task: Callable[[int], object]) -> None:
        while not self._end.is_set():
            with suppress(*_FAILURES):  # refused, or killed before the answer: nothing was promised
                task(next(self._numbers))

    def execute(self, number: int) -> bool:
        """Send an image through the workflow, and remember how that ended; whether it was with a verdict."""
        name = workflow.submit_image(self.environment, self._images[number % len(self._images)])
        self.acknowledged.executions.add(name)
        while not self._end.is_set():
            execution = workflow.describe_execution(self.environment, name, with_history=False)
            if execution.has_ended:
                self.acknowledged.ends[name] = execution.status
                if execution.verdict is not None:
                    self.acknowledged.classified.add(name)
                return execution.verdict is not None
            self._end.wait(0.1)
        return False

    def _store(self, number: int) -> None:
        body = os.urandom(20_000)
        self.environment.s3.put_object(Bucket=self.environment.bucket, Key=f"kills/{number}", Body=body)
        self.acknowledged.objects[f"kills/{number}"] = hashlib.sha256(body).hexdigest()
        self._end.wait(0.05)

    def _change(self, number: int) -> None:
        threshold = (number % 1000) / 1000
        self.acknowledged.thresholds.append(threshold)
        workflow.update_threshold(self.environment, threshold)
        del self.acknowledged.thresholds[:-1]
        self._end.wait(0.5)

    def _train(self, _number: int) -> None:
        jobs = self.environment.sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
        if not jobs:
            dataset = describe_dataset(self.environment)
            assert dataset is not None  # noqa: S101  the pipeline staged it
            training.start_training(self.environment, dataset, TrainingOptions(epochs=200))
        self._end.wait(0.5)


class _Run:
    def __init__(self, environment: Environment, folder: Path, children: dict[str, _Child]) -> None:
        self._environment = environment
        self._folder = folder
        self._children = children
        dataset = describe_dataset(environment)
        assert dataset is not None  # noqa: S101  the pipeline staged it
        self._clients = _Clients(environment, [image.key for image in list_images(environment, dataset, "test")])
        self._seconds: dict[str, list[float]] = {victim: [] for victim in VICTIMS}
        self._unrecovered: list[str] = []
        self._lost: list[str] = []

    def measure(self, rounds: int) -> dict[str, Any]:
        chance = random.Random()  # noqa: S311  no secret
        with self._clients.asking():
            for number in range(rounds):
                victim = VICTIMS[number % len(VICTIMS)]
                time.sleep(chance.uniform(*_QUIET_SECONDS))
                pid = None if victim in self._children else self._pid(victim)
                began = time.monotonic()
                self._kill(victim, pid)
                self._await_recovery(number, victim, began)
        doubled = self._settle()
        worst = max(itertools.chain.from_iterable(self._seconds.values()))
        acknowledged = self._clients.acknowledged
        return {
            "rounds": rounds,
            "lost": len(self._lost),
            "doubled": doubled,
            "unrecovered": len(self._unrecovered),
            "seconds_to_recover": round(worst, 1),
            "seconds_by_victim": {victim: round(max(spent), 1) for victim, spent in self._seconds.items() if spent},
            "lost_things": self._lost[:20],
            "executions": len(acknowledged.executions),
            "ends": dict(Counter(acknowledged.ends.values())),
            "interrupted": self._interrupted(),
            "objects": len(acknowledged.objects),
        }

    def _kill(self, victim: str, pid: int | None) -> None:
        if pid is None:
            self._children[victim].kill()
            self._children[victim].start()  # as a person does
        else:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _pid(self, victim: str) -> int:
        """The process of a service, or of the first container that serves or trains, once there is one."""
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while time.monotonic() < deadline:
            with suppress(psutil.NoSuchProcess, ValueError, OSError):
                if victim not in ("serve", "train"):
                    return int((self._folder / "aws" / f"{victim}.lock").read_text())
                service = psutil.Process(self._pid("sagemaker"))
                for process in service.children(recursive=True):
                    if process.cmdline()[-1:] == [victim]:
                        return process.pid
            time.sleep(0.05)
        raise SconesError(f"There is no process to kill: {victim}.")

    def _await_recovery(self, number: int, victim: str, began: float) -> None:
        """Wait until an image that was submitted after the kill has its verdict, and the threshold is right."""
        while True:
            works = self._works()
            spent = time.monotonic() - began
            if works:
                self._seconds[victim].append(spent)
                say(f"round {number + 1}: {victim} killed, recovered after {spent:.1f} s")
                break
            if spent > _RECOVERY_SECONDS:
                self._unrecovered.append(victim)
                say(f"round {number + 1}: {victim} killed, not recovered")
                break
        self._check_threshold(number, victim)

    def _works(self) -> bool:
        with suppress(*_FAILURES):
            self._environment.s3.put_object(Bucket=self._environment.bucket, Key="probe", Body=b"probe")
            return self._clients.execute(time.time_ns())
        return False

    def _check_threshold(self, number: int, victim: str) -> None:
        with suppress(*_FAILURES):
            possible = list(self._clients.acknowledged.thresholds)
            found = workflow.describe_workflow(self._environment)
            possible += self._clients.acknowledged.thresholds
            if found is None or found.threshold not in possible:
                self._lost.append(f"threshold after round {number + 1} ({victim}): {found and found.threshold}")

    def _settle(self) -> int:
        """Compare what is there with what was acknowledged; returns how many captured records came twice."""
        acknowledged, environment = self._clients.acknowledged, self._environment
        for key, expected in acknowledged.objects.items():
            if _content_hash(environment, key) != expected:
                self._lost.append(f"object {key}")
        for name in acknowledged.executions:
            self._check_execution(name)
        self._children["ingest"].kill()
        ids, events = _captured(environment)
        deadline = time.monotonic() + _CAPTURE_SECONDS
        while acknowledged.classified - set(ids) and time.monotonic() < deadline:
            time.sleep(1)
            ids, events = _captured(environment)
        self._lost += [f"capture of {name}" for name in sorted(acknowledged.classified - set(ids))]
        monitoring.refresh_captures(environment)
        summary = monitoring.capture_contents(environment)
        stored = summary.records if summary else 0
        return sum(count - 1 for count in events.values()) + abs(stored - events.total())

    def _check_execution(self, name: str) -> None:
        try:
            execution = workflow.describe_execution(self._environment, name, with_history=False)
        except _FAILURES:
            self._lost.append(f"execution {name}")
            return
        expected = self._clients.acknowledged.ends.get(name)
        if expected is not None and execution.status != expected:
            self._lost.append(f"end of execution {name}: {expected} became {execution.status}")

    def _interrupted(self) -> dict[str, int]:
        """The executions that failed for what is no verdict, by their error."""
        errors: Counter[str] = Counter()
        for name in self._clients.acknowledged.executions:
            with suppress(*_FAILURES):
                execution = workflow.describe_execution(self._environment, name, with_history=False)
                if execution.verdict is None:
                    errors[execution.error or execution.status] += 1
        return dict(errors)


def _content_hash(environment: Environment, key: str) -> str | None:
    with suppress(*_FAILURES):
        body = environment.s3.get_object(Bucket=environment.bucket, Key=key)["Body"].read()
        return hashlib.sha256(body).hexdigest()
    return None


def _captured(environment: Environment) -> tuple[Counter[str], Counter[str]]:
    """How often each inference id, and each event id, stands in the capture files."""
    ids: Counter[str] = Counter()
    events: Counter[str] = Counter()
    pages = environment.s3.get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=environment.bucket, Prefix=CAPTURES_PREFIX):
        for item in page.get("Contents", []):
            body = environment.s3.get_object(Bucket=environment.bucket, Key=item["Key"])["Body"].read()
            for line in body.splitlines():
                metadata = json.loads(line)["eventMetadata"]
                ids[metadata["inferenceId"]] += 1
                events[metadata["eventId"]] += 1
    return ids, events


def _serve(role: str, folder: Path) -> None:
    """A process to kill: an app, which owns the embedded AWS, or one that reads captured records all the time."""
    with closing(open_environment(_settings(folder))) as environment:
        print("ready", flush=True)
        keep_on = _keep_app if role == "app" else _keep_reading
        threading.Thread(target=keep_on, args=(environment,), daemon=True).start()
        sys.stdin.read()  # ends with its owner


def _keep_app(environment: Environment) -> None:
    """Ask as a page does, so that what ended is started again."""
    while True:
        with suppress(*_FAILURES):
            environment.s3.head_bucket(Bucket=environment.bucket)
        time.sleep(1)


def _keep_reading(environment: Environment) -> None:
    while True:
        with suppress(*_FAILURES):
            monitoring.refresh_captures(environment)
        time.sleep(0.2)


if __name__ == "__main__":
    _serve(sys.argv[1], Path(sys.argv[2]))
