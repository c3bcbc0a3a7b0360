"""What endpoints captured: read into caches that can be rebuilt, and asked for what pages show."""

from backend.monitoring.bins import EDGES, first_bin, is_edge
from backend.monitoring.captures import (
    EXPORTED,
    CapturedInference,
    beside,
    by_inference,
    capture_contents,
    capture_detail,
    delete_cache,
    export,
    kept_open,
    located,
    lowest,
    newest,
    quarantined_lines,
    records,
    rejected,
    sample,
    summarize,
)
from backend.monitoring.contents import Contents, QuarantinedLine, StreamContents
from backend.monitoring.ingest import IngestReport
from backend.monitoring.plain import EARLIEST
from backend.monitoring.refreshing import refresh_captures, refresh_in_background, refreshing
from backend.monitoring.selection import EVERY_CONFIDENCE, Selection
from backend.monitoring.sources import (
    CaptureSource,
    add_source,
    list_sources,
    name_classes,
    project_source,
    remove_source,
)
from backend.monitoring.summaries import Summary

__all__ = [
    "EARLIEST",
    "EDGES",
    "EVERY_CONFIDENCE",
    "EXPORTED",
    "CaptureSource",
    "CapturedInference",
    "Contents",
    "IngestReport",
    "QuarantinedLine",
    "Selection",
    "StreamContents",
    "Summary",
    "add_source",
    "beside",
    "by_inference",
    "capture_contents",
    "capture_detail",
    "delete_cache",
    "export",
    "first_bin",
    "is_edge",
    "kept_open",
    "list_sources",
    "located",
    "lowest",
    "name_classes",
    "newest",
    "project_source",
    "quarantined_lines",
    "records",
    "refresh_captures",
    "refresh_in_background",
    "refreshing",
    "rejected",
    "remove_source",
    "sample",
    "summarize",
]
