"""Whether what the endpoint sees and answers is still as it was: one alarm with a promise, and what it is about."""

from __future__ import annotations

import streamlit as st

from backend import monitoring
from backend.drift_alarm import Standing
from pages.drift.alarm import draw_alarm, draw_episodes, follow_counting
from pages.drift.baseline import draw_choice
from pages.drift.change import draw_change
from pages.drift.descriptions import draw_descriptions
from pages.drift.foreign import draw_foreign
from pages.drift.shown import Shown, choose_stream
from pages.shared import JobName, PagePath, current_environment, draw_about, draw_missing, follow_job, part, reads
from pages.shared.captured.address import current_view
from pages.shared.captured.reading import choose_refreshing, follow_reading
from pages.shared.captured.sources import choose_source

head = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
head.title("Drift", width="content")
draw_about(PagePath.DRIFT)
environment = current_environment()
view = current_view()
labels: tuple[str, ...] = ()
standing: Standing | None = None

with st.container(horizontal=True, vertical_alignment="bottom", key="drift.top"):
    source = choose_source(environment, view)
    contents = reads.capture_contents(environment, source)
    stream = choose_stream(contents, view)
    choose_refreshing(environment, source, view)
is_own = source.url == monitoring.project_source(environment).url
with head if contents else st.container():
    follow_reading(environment, source, contents, view)
if contents is None or stream is None:
    draw_missing(
        "No captured inference was read yet: there is nothing that could drift.",
        PagePath.TEST_IMAGES if is_own else None,
    )
    st.stop()

follow_job(JobName.DRIFT)
with part():
    labels = reads.classes_of(environment, None if is_own else source.url)
with part(), monitoring.kept_open(environment, source):
    standing = reads.drift_standings(environment, source).get((stream.endpoint, stream.variant))
    shown = Shown(environment, source, stream, labels, is_own, standing)
    if standing is not None and standing.is_counting:
        follow_counting(shown)
    elif standing is not None:
        with part():
            draw_alarm(shown, standing)
    with part():
        draw_choice(shown, contents)
    if standing is not None and not standing.is_counting:
        with part():
            draw_change(shown, standing)
        with part():
            draw_descriptions(shown, standing)
        with part():
            draw_foreign(shown, standing)
        draw_episodes(shown, standing)
