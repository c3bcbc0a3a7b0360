"""Times and durations as pages write them; S3 keys and logs are in UTC, so pages are too."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(time: datetime | None) -> str:
    """A time in UTC, to the second; a dash for none."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if time else "-"


def format_duration(seconds: float | None) -> str:
    """Milliseconds, seconds, or minutes and seconds; a dash for none."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
