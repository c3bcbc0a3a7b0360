"""The whole way, from images to captured confidences: what the pages do step by step."""

from backend.pipeline.captures import wait_for_captures
from backend.pipeline.record import PipelineOptions, PipelineRun, Stage, StageRecord, read_run
from backend.pipeline.run import resume_run, run_pipeline, start_run

__all__ = [
    "PipelineOptions",
    "PipelineRun",
    "Stage",
    "StageRecord",
    "read_run",
    "resume_run",
    "run_pipeline",
    "start_run",
    "wait_for_captures",
]
