"""What this package raises on purpose: its text is meant for a person."""

from __future__ import annotations


class EmbeddedAwsError(Exception):
    """When the embedded AWS does not start, or ended while it was needed."""
