"""Choosing a model and evaluating it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from backend import evaluation, jobs
from backend.aws.environment import Environment
from backend.evaluation import Evaluation
from backend.training import TrainingJob
from backend.wording import count_of, enumerated
from pages.shared.environment import action
from pages.shared.live import JobName, is_running
from pages.shared.text import as_text
from pages.shared.times import format_time

_UNTOUCHED = "Nothing of the training has seen these images: what they say holds for new ones like them."
_TOUCHED = (
    "These images are **not untouched**: the dataset was staged in two splits, and the epoch that was kept was chosen "
    "on its test images. The figures are a little better than new images would give, and a promise rests on less than "
    "it says. Stage the images again, in three splits, and train on them."
)


def choose_job(trained: list[TrainingJob]) -> str:
    """The training job whose model is looked at, the newest at first."""
    names = [job.name for job in trained]
    return str(st.selectbox("Model of training job", names, key="evaluation.job", persist_state="session"))


def draw_run(environment: Environment, job: str, earlier: Evaluation | None) -> None:
    """The button that evaluates the model, and a folder of pictures to show it besides."""
    with st.expander(
        "Evaluate again" if earlier else "Evaluate the model", icon=":material/labs:", expanded=not earlier
    ):
        st.markdown(
            "The model is asked about every image of its dataset that no training reads: the test split and, where "
            "classes were kept out, images of these. An endpoint of its own serves it meanwhile and is deleted "
            "afterwards; on AWS that takes some minutes of one machine."
        )
        folder = st.text_input(
            "Folder of pictures that are none of the known classes",
            placeholder="/data/other-images",
            key="evaluation.folder",
            persist_state="session",
            help="On the machine that runs the app, if you have one: PNG or JPEG of any size. They count as foreign.",
        )
        busy = is_running(JobName.EVALUATION)
        if st.button("Evaluate", key="evaluation.run", icon=":material/play_arrow:", type="primary", disabled=busy):
            with action("Evaluation started"):
                extra = Path(folder).expanduser() if folder else None
                work = partial(evaluation.evaluate_model, environment, job, extra_images=extra)
                jobs.start(JobName.EVALUATION, f"Evaluating {job}", work)


def draw_head(shown: Evaluation) -> None:
    """What was evaluated, when, on how many images, and whether these were untouched."""
    counts = {split: sum(image.split == split for image in shown.images) for split in ("test", "foreign", "folder")}
    parts = [
        f"{count_of(counts[split], 'image')} {of}"
        for split, of in (
            ("test", "of the test split"),
            ("foreign", "of classes kept out"),
            ("folder", f"of {as_text(shown.folder or 'a folder')}"),
        )
        if counts[split]
    ]
    st.caption(f"Evaluated {format_time(shown.evaluated_at)} on {enumerated(parts)}. Dataset {shown.dataset_id}.")
    if shown.is_untouched:
        st.caption(_UNTOUCHED)
    else:
        st.warning(_TOUCHED, icon=":material/warning:")
    if shown.skipped:
        st.warning(f"Not usable as pictures, and left out: {as_text(enumerated(shown.skipped))}.")
