"""What the endpoint captured: read from S3 into a store that can be rebuilt, and asked for what pages show."""

from backend.monitoring.captures import (
    CapturedInference,
    CaptureSummary,
    capture_detail,
    capture_summary,
    confidences,
    delete_cache,
    refresh_captures,
)
from backend.monitoring.ingest import IngestReport

__all__ = [
    "CaptureSummary",
    "CapturedInference",
    "IngestReport",
    "capture_detail",
    "capture_summary",
    "confidences",
    "delete_cache",
    "refresh_captures",
]
