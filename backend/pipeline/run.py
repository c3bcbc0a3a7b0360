"""Running the whole pipeline: started anew, or gone on with where it stopped."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from backend.aws.environment import Environment
from backend.errors import NotFound
from backend.foundation import deploy_foundation
from backend.pipeline.figures import figures_of
from backend.pipeline.record import PipelineOptions, PipelineRun, Stage, read_run, write_run
from backend.pipeline.stages import STAGES
from backend.progress import Progress, no_progress, part_of


def run_pipeline(
    environment: Environment, options: PipelineOptions, progress: Progress = no_progress
) -> dict[str, Any]:
    """Stage, train, deploy, submit every test image, and read what the endpoint captured.

    Returns the figures by name, ready for JSON; `seconds` holds the time of each stage.
    """
    return figures_of(environment, start_run(environment, options, progress))


def start_run(environment: Environment, options: PipelineOptions, progress: Progress = no_progress) -> PipelineRun:
    """Run the whole pipeline; what it does is kept in the bucket, in the place of the run before.

    Raises what its stages raise; `resume_run` goes on after that, after a cancellation and after the end of the app.
    """
    deploy_foundation(environment, part_of(progress, 0.0, 0.0))  # the bucket that the run is kept in
    return _go_on(environment, PipelineRun(options, datetime.now(UTC)), progress)


def resume_run(environment: Environment, progress: Progress = no_progress) -> PipelineRun:
    """Go on with the run that was started last: what it made and is still there is not made again.

    Raises NotFound when there is none, and what its stages raise.
    """
    run = read_run(environment)
    if run is None:
        raise NotFound("No run of the whole pipeline is known. Start one.")
    return _go_on(environment, run, progress)


def _go_on(environment: Environment, run: PipelineRun, progress: Progress) -> PipelineRun:
    before = 0.0
    for stage, (share, work) in STAGES.items():
        keeping = _Keeping(environment, run, stage)
        work(environment, keeping.run, keeping.keep, part_of(progress, before, before + share))
        run = keeping.end()
        before += share
    return run


class _Keeping:
    """Keeps what becomes of a stage, as it becomes known; one that had ended, and makes nothing, stays as it was."""

    def __init__(self, environment: Environment, run: PipelineRun, stage: Stage) -> None:
        self._environment, self._stage = environment, stage
        self._before = run
        self.run = run.begun(stage)
        if not run.has_ended(stage):
            write_run(environment, self.run)

    def keep(self, made: str) -> None:
        if made != self.run.made(self._stage):
            self.run = self.run.making(self._stage, made)
            write_run(self._environment, self.run)

    def end(self) -> PipelineRun:
        if self._before.has_ended(self._stage) and self.run.made(self._stage) == self._before.made(self._stage):
            return self._before
        run = self.run.ended(self._stage)
        write_run(self._environment, run)
        return run
