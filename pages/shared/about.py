"""What each step is for, what it makes, and what it costs on AWS: a fold that stays as its reader left it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import streamlit as st

from backend.deployment import DeploymentOptions
from backend.prices import hourly_price
from backend.training import TrainingOptions
from pages.shared.paths import PagePath

_PRICES = "At the prices of us-east-1 that this project knows"

_ABOUT: Mapping[PagePath, str] = {
    PagePath.DATA_STAGING: (
        "A classifier learns from examples. This step takes images of the chosen classes out of an archive, makes a "
        "PNG of each and puts them into a bucket of S3, Amazon's storage for files, with lists of which image is what. "
        "A part of the training images is kept back to choose the best epoch by, and the test images are seen by "
        "nothing before the evaluation. On AWS a few thousand small images cost less than a cent a month."
    ),
    PagePath.TRAINING: (
        "SageMaker, Amazon's service for machine learning, starts a machine with a GPU, lets its built-in image "
        "classifier (a ResNet) learn from the staged images, keeps the model of the best epoch in the bucket and ends "
        "the machine. {prices} an {training_type} costs {training_price}, by the second, while the job runs: some "
        "minutes, so a few cents."
    ),
    PagePath.DEPLOYMENT: (
        "An endpoint is a machine that runs all the time, holds the trained model and answers with a probability for "
        "each class. Data capture keeps what it is asked and what it answers in the bucket, for Monitoring. {prices} "
        "an {serving_type} costs {serving_price}, for as long as the endpoint exists, whether it is asked or not: "
        "delete it when you are done."
    ),
    PagePath.EVALUATION: (
        "How good is the model on images that it never saw? This step asks it about every test image, from an endpoint "
        "that is there for that alone, and draws what it got right, how far its confidence can be believed, and which "
        "threshold keeps a promise. On AWS that is an instance for the few minutes that it takes."
    ),
    PagePath.WORKFLOW: (
        "Three Lambda functions fetch an image, ask the endpoint and look at the answer's confidence. Step Functions "
        "calls them one after another, tries again where that helps, and passes on only an answer of a known class "
        "that reaches the threshold; everything else ends in a message. On AWS each image costs less than a hundredth "
        "of a cent, and nothing is paid for while no image comes."
    ),
    PagePath.TEST_IMAGES: (
        "Send images through the workflow as a delivery driver's photo would come: one, a batch, or traffic over time, "
        "from the test set or of your own. Each becomes an execution of the state machine, which is kept with what "
        "went into and came out of every step. On AWS the endpoint must be in service, and that is what costs."
    ),
    PagePath.MONITORING: (
        "Every answer of the endpoint that was captured, read from the bucket: how confident it is, over time and by "
        "class, what passed the threshold, and the pictures behind each point. It changes nothing. On AWS it costs the "
        "requests that read what was captured, some cents for a million records."
    ),
    PagePath.DRIFT: (
        "Are the pictures that come, and the answers to them, still as they were? One alarm watches confidence, "
        "classes, brightness, contrast, sharpness and the probability of no known class, with a promise of how seldom "
        "it is false, and tells what changed and since when. It needs no label, and says nothing about being right. "
        "It reads what was captured anyway, so on AWS it costs nothing more."
    ),
    PagePath.ACCURACY: (
        "How often is the model right on what it is asked now? Its own confidence tells, as long as the images are "
        "like those that it was evaluated on; labels tell it in any case. Fifty that people give to a sample are "
        "enough to know it within about ten points. Two times, or two variants, can be set side by side. It changes "
        "nothing. On AWS it costs some requests."
    ),
    PagePath.REVIEW: (
        "People say what captured pictures really are, one after the other, before they see the model's answer. That "
        "finds mistakes, tells how often the model is right, and gives the next training images that the first ones "
        "had none of. What is said goes to the bucket at once, as SageMaker keeps ground truth. On AWS a thousand "
        "labels cost some cents of requests."
    ),
    PagePath.ALERTS: (
        "A rule watches a figure of what the endpoint was asked and answered: it is in ALARM while the figure is wrong "
        "in so many of the last periods, and the workflow's topic tells people when that changes. Rules are evaluated "
        "while the app runs, whether anybody looks or not. On AWS they cost the requests that look for new captures, "
        "some cents a day."
    ),
    PagePath.CLEANUP: (
        "Everything of this project that exists is found by its name and tag, with where it is. What you choose is "
        "deleted, in the order that AWS asks for. On AWS an endpoint that is forgotten here goes on costing money."
    ),
}


def draw_about(page: PagePath) -> None:
    """What a page's step is for, in some sentences that can be folded away."""
    key = f"about.{page.url_path}"
    kept = f"{key}.kept"  # a widget's own state goes when its page is left
    fold = st.expander(
        "What this step is for",
        expanded=st.session_state.get(kept, True),
        key=key,
        icon=":material/help:",
        type="compact",
        on_change=partial(_keep, key, kept),
    )
    fold.caption(_text(page))


def _keep(key: str, kept: str) -> None:
    st.session_state[kept] = st.session_state[key]


def _text(page: PagePath) -> str:
    training, serving = TrainingOptions().instance_type, DeploymentOptions().instance_type
    return _ABOUT[page].format(
        prices=f"{_PRICES},",
        training_type=training,
        training_price=_escaped(hourly_price(training)),
        serving_type=serving,
        serving_price=_escaped(hourly_price(serving)),
    )


def _escaped(price: str | None) -> str:
    """A dollar sign would begin a formula."""
    return (price or "what AWS's price list says").replace("$", "\\$")
