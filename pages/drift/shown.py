"""What all parts of the page go by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from backend.aws.environment import Environment
from backend.drift_alarm import Standing
from backend.monitoring import CaptureSource, Contents, Selection, StreamContents
from backend.staging.labels import OTHER
from pages.shared.captured.view import View
from pages.shared.text import visible

LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Behind all that is captured."""
_STREAM: Final = "drift.stream"


@dataclass(frozen=True)
class Shown:
    """A variant's records, and how its alarm stands; None where it has no baseline."""

    environment: Environment
    source: CaptureSource
    stream: StreamContents
    labels: tuple[str, ...]
    is_own: bool
    standing: Standing | None

    @property
    def names(self) -> tuple[str, str]:
        """Endpoint and variant."""
        return self.stream.endpoint, self.stream.variant

    @property
    def other(self) -> int | None:
        """The class index of `other`; None where no class is called so."""
        return self.labels.index(OTHER) if OTHER in self.labels else None

    def selection(self, start: datetime, end: datetime = LAST) -> Selection:
        """The variant's records of a time."""
        return Selection(start, end, *self.names)


def choose_stream(contents: Contents | None, view: View) -> StreamContents | None:
    """The endpoint's variant: each has an alarm of its own. None where nothing was captured."""
    streams = [stream for stream in contents.streams if stream.records] if contents else []
    if not streams:
        return None
    fits = [of for of in streams if view.endpoint in (None, of.endpoint) and view.variant in (None, of.variant)]
    usual = max(fits or streams, key=lambda of: of.records)
    if len(streams) == 1:
        return usual
    names = {(of.endpoint, of.variant): of for of in streams}
    chosen = st.selectbox(
        "Variant",
        list(names),
        index=streams.index(usual),
        format_func=lambda name: visible(" / ".join(filter(None, name)) or "-"),
        key=_STREAM,
        width=260,
    )
    return names[chosen]
