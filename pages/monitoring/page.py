"""What endpoints captured: how sure the model is, over time and image by image."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from backend import monitoring
from backend.monitoring.health import Comparison
from backend.staging import Dataset
from backend.workflow import Workflow
from pages.monitoring.distributions import draw_class_mix, draw_histogram, draw_pass_rate
from pages.monitoring.drifting import draw_drift
from pages.monitoring.export import draw_exports
from pages.monitoring.health import draw_comparison, draw_health, draw_problems, draw_unreadable
from pages.monitoring.over_time import draw_over_time, draw_what_if
from pages.monitoring.record import draw_selected
from pages.monitoring.shown import Shown, summarized
from pages.monitoring.wall import draw_wall
from pages.shared import PagePath, current_environment, draw_about, draw_missing, part, reads
from pages.shared.captured.address import current_view
from pages.shared.captured.range import choose_filters, choose_range
from pages.shared.captured.reading import choose_refreshing, follow_reading
from pages.shared.captured.sources import choose_source, manage_sources
from pages.shared.status import draw_synthetic
from pages.shared.text import as_text

head = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
head.title("Monitoring", width="content")
draw_about(PagePath.MONITORING)
environment = current_environment()
view = current_view()
workflow: Workflow | None = None
dataset: Dataset | None = None
comparison: Comparison | None = None

with st.container(horizontal=True, vertical_alignment="bottom", key="monitoring.top"):
    source = choose_source(environment, view)
    manage_sources(environment, source)
    choose_refreshing(environment, source, view)
is_own = source.url == monitoring.project_source(environment).url
contents = reads.capture_contents(environment, source)
with head if contents else st.container():
    follow_reading(environment, source, contents, view)
if contents is None:
    draw_missing(
        "No captured inference was read yet. Submit images; AWS delivers what the endpoint captures within minutes."
        if is_own
        else "No captured inference was read of this source yet.",
        PagePath.TEST_IMAGES if is_own else None,
    )
    st.stop()
if not contents.records:
    draw_unreadable(environment, source, contents)
    st.stop()

if is_own:
    with part():
        workflow = reads.describe_workflow(environment)
    with part():
        dataset = reads.describe_dataset(environment)
    with part():
        comparison = reads.compare_captures(environment)
threshold = workflow.threshold if workflow else None
labels = workflow.labels if workflow else dataset.labels if dataset else source.labels
view, notes = view.known_to(contents)
for note in notes:
    st.warning(as_text(note), icon=":material/link_off:")

with monitoring.kept_open(environment, source):
    window = view.window(contents, datetime.now(UTC))
    choose_range(view, *window)
    choose_filters(view, contents, labels)
    summary = summarized(environment, source, view, window, labels)
    shown = Shown(environment, source, view, summary, threshold, labels)
    with part():
        draw_health(shown, contents, comparison)
    with part():
        draw_drift(shown)
    if comparison is not None:
        draw_comparison(comparison)
    with st.grid(2, min_column_width=320), part():
        draw_problems(environment, source, contents)
    if dataset is not None:
        draw_synthetic(dataset)

    with part():
        draw_over_time(shown)
    with part():
        draw_what_if(shown)
    with st.grid(3 if shown.has_rate else 2, min_column_width=280):
        if shown.has_rate:
            with st.container(), part():
                draw_pass_rate(shown)
        with st.container(), part():
            draw_class_mix(shown)
        with st.container(), part():
            draw_histogram(shown)
    with part():
        draw_wall(shown)
    with part():
        draw_exports(shown)
    draw_selected(shown)
