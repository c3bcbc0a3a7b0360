"""How often the model is right on what it is asked: by its confidence, and by labels."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from backend import monitoring
from backend.monitoring import Selection
from backend.quality import MOST_RECORDS
from backend.workflow import Workflow
from pages.accuracy.answers import draw_calibration, draw_confusions
from pages.accuracy.comparison import draw_comparison
from pages.accuracy.figures import draw_accuracy
from pages.accuracy.sample import draw_sample
from pages.accuracy.shown import Shown, whole_seconds
from pages.shared import PagePath, current_environment, draw_about, draw_missing, part, reads
from pages.shared.captured.address import current_view
from pages.shared.captured.range import choose_filters, choose_range
from pages.shared.captured.reading import choose_refreshing, follow_reading
from pages.shared.captured.sources import choose_source
from pages.shared.text import as_text

head = st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute")
head.title("Accuracy", width="content")
draw_about(PagePath.ACCURACY)
environment = current_environment()
view = current_view()
workflow: Workflow | None = None

with st.container(horizontal=True, vertical_alignment="bottom", key="accuracy.top"):
    source = choose_source(environment, view)
    choose_refreshing(environment, source, view)
is_own = source.url == monitoring.project_source(environment).url
contents = reads.capture_contents(environment, source)
with head if contents else st.container():
    follow_reading(environment, source, contents, view)
if contents is None or not contents.records:
    draw_missing("An accuracy needs captured records, and none were read of this source yet.", PagePath.MONITORING)
    st.stop()

if is_own:
    with part():
        workflow = reads.describe_workflow(environment)
labels = reads.classes_of(environment, None if is_own else source.url)
view, notes = view.known_to(contents)
for note in notes:
    st.warning(as_text(note), icon=":material/link_off:")
start, end = view.window(contents, datetime.now(UTC))
choose_range(view, start, end)
choose_filters(view, contents, None)
if len(labels) < 2:
    draw_missing("The classes of these records have no names. Name them on the Monitoring page.", PagePath.MONITORING)
    st.stop()

selection = whole_seconds(view, Selection(start, end, view.endpoint, view.variant))
window = reads.read_window(environment, source, selection, labels)
if window is None:
    draw_missing(f"There are more than {MOST_RECORDS:,} records in this range. Choose a shorter one.")
    st.stop()
if not len(window):
    draw_missing("There is no record in this range. Choose another one.")
    st.stop()

shown = Shown(environment, source, view, selection, labels, window, workflow.threshold if workflow else None)
with part():
    draw_accuracy(shown)
sample, confusions, calibration, comparison = st.tabs(
    ["Label a sample", "Confusions", "Calibration", "Comparison"], key="accuracy.tab"
)
with sample, part():
    draw_sample(shown)
with confusions, part():
    draw_confusions(shown)
with calibration, part():
    draw_calibration(shown)
with comparison, part():
    draw_comparison(shown)
