"""The runs of a project, as the bucket tells of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

import msgspec

from backend.aws.bucket import list_folders, read_object, write_object
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, find
from backend.aws.names import TRAFFIC_PREFIX
from backend.errors import SconesError
from backend.traffic.plan import RunKeys, TrafficPlan
from backend.traffic.summary import Totals

_LISTED: Final = 50
_THREADS: Final = 8


@dataclass(frozen=True)
class TrafficRun:
    """A run of traffic, for the known classes `labels`. Without `ending` it is being sent, or was cut off.

    `ending` is "completed", "stopped", or why it ended before its time.
    """

    run_id: str
    started_at: datetime
    plan: TrafficPlan
    labels: tuple[str, ...]
    ended_at: datetime | None = None
    ending: str | None = None
    totals: Totals = field(default_factory=Totals)

    @property
    def keys(self) -> RunKeys:
        return RunKeys(self.run_id)


_decoder = msgspec.json.Decoder(TrafficRun)


def write_run(environment: Environment, run: TrafficRun) -> None:
    """Write down what a run is."""
    action = f"write down traffic run {run.run_id}"
    write_object(environment, run.keys.description, msgspec.json.encode(run), "application/json", action=action)


def list_runs(environment: Environment) -> list[TrafficRun]:
    """The newest 50 runs, newest first; one whose description cannot be read is left out."""
    with aws_errors("list the runs of traffic"):
        folders: Sequence[str] = find(list, list_folders(environment, TRAFFIC_PREFIX)) or []
    newest = islice(sorted(folders, reverse=True), _LISTED)
    with ThreadPoolExecutor(_THREADS) as pool:
        runs = pool.map(lambda folder: _read_run(environment, f"{folder}run.json"), newest)
        return [run for run in runs if run is not None]


def _read_run(environment: Environment, key: str) -> TrafficRun | None:
    content = read_object(environment, key)
    try:
        return _decoder.decode(content) if content is not None else None
    except (msgspec.MsgspecError, SconesError):  # no JSON of ours, or a plan that is none
        return None
