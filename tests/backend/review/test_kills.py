"""Two processes labelling at once, and kill -9 in the middle: no label that was told is lost, none is there twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from backend.aws.environment import Environment
from backend.review import Kind
from tests.backend.review.captured import LABELS, line, make_queue, opinions, put, truth

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
PICTURES = 30
TOLD = 7
"""Labels of each process before it is killed in the middle of others."""
WORK = """
import sys
from pathlib import Path
from backend.aws.environment import open_environment
from backend.review import Desk, Shown, read_queue
from backend.settings import Settings
state_dir, project, queue_id, reviewer = sys.argv[1:]
environment = open_environment(Settings(environment="embedded", state_dir=Path(state_dir), project=project))
queue = read_queue(environment, queue_id)
desk = Desk(environment, queue, reviewer)
while isinstance(desk.shown, Shown):
    sys.stdin.readline()  # the test says when, until it says no more
    number = desk.shown.item.number
    desk.label(number, queue.labels[number % 2])
    print(number, flush=True)
"""


def begin(project: Environment, state_dir: Path, queue_id: str, reviewer: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORK, str(state_dir), project.project, queue_id, reviewer]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)


def tell(process: subprocess.Popen[str], labels: int) -> None:
    """Let a process label so many."""
    assert process.stdin is not None
    process.stdin.write("\n" * labels)
    process.stdin.flush()


def told(process: subprocess.Popen[str], labels: int) -> list[int]:
    """The next so many pictures that a process says it has labelled."""
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in range(labels)]


def rest(process: subprocess.Popen[str]) -> list[int]:
    """What a process says until it ends."""
    output, _ = process.communicate(timeout=60)
    return [int(text) for text in output.splitlines(keepends=True) if text.endswith("\n")]


def test_no_label_is_lost_or_doubled_when_two_processes_are_killed(
    environment: Environment, project: Environment
) -> None:
    put(project, [line(number, 0.5 + number / 100) for number in range(PICTURES)])
    queue, state_dir = make_queue(project, Kind.UNCERTAIN), environment.settings.state_dir
    people, labelled = ("Ada", "Ben"), list[int]()
    for is_killed in (True, False):
        processes = [begin(project, state_dir, queue.queue_id, name) for name in people]
        if is_killed:
            for process in processes:
                tell(process, TOLD)
                labelled += told(process, TOLD)
            for process in processes:
                tell(process, 3)
                labelled += told(process, 1)
                process.kill()
        for process in processes:
            labelled += rest(process)
        assert (len(opinions(project, queue)) < PICTURES) == is_killed

    assert max(Counter(labelled).values()) == 1  # what was killed before it could say so is kept without being here
    kept = {said["item"]: said["label"] for said in opinions(project, queue)}
    assert kept == {number: LABELS[number % 2] for number in range(1, PICTURES + 1)}
    assert len(opinions(project, queue)) == PICTURES
    names = {item.number: item.inference_id for item in queue.items}
    assert sorted(truth(project)) == sorted((names[number], label) for number, label in kept.items())
