"""The options of a training job, as a form."""

from __future__ import annotations

from typing import TypeVar

import streamlit as st

from backend.prices import priced
from backend.training import LEARNING_RATES, TrainingOptions

FORM = "training.form"
"""The fold with the form, which a job's options open."""
_DEFAULTS = TrainingOptions()
_LAYERS = [20, 32, 44, 56, 110]
_BATCHES = [16, 32, 64, 128, 256]
_AUGMENTATIONS = ["crop", "crop_color", "crop_color_transform", ""]
_INSTANCES = ["ml.g4dn.xlarge", "ml.g5.xlarge", "ml.p3.2xlarge"]
"""With GPUs, as the algorithm needs. Source: SageMaker developer guide, "Image Classification - MXNet"."""

_T = TypeVar("_T")


def choose_options() -> TrainingOptions:
    """Widgets for the algorithm's hyperparameters and the machine, at their defaults."""
    _set_defaults()
    first, second, third = st.columns(3)
    epochs = first.number_input("Epochs", 1, 500, key="training.epochs")
    layers = second.selectbox("Layers", _with(_LAYERS, "layers"), key="training.layers", help="Depth of the ResNet.")
    batch = third.selectbox("Batch size", _with(_BATCHES, "batch"), key="training.batch")
    optimizer = first.selectbox("Optimizer", list(LEARNING_RATES), key="training.optimizer")
    rate = second.number_input(
        "Learning rate",
        1e-6,
        10.0,
        step=LEARNING_RATES[optimizer] / 10,
        format="%g",
        key=_default(f"training.rate.{optimizer}", LEARNING_RATES[optimizer]),
    )
    augmentation = third.selectbox(
        "Augmentation",
        _AUGMENTATIONS,
        format_func=lambda kind: kind.replace("_", ", ") or "none",
        key="training.augmentation",
    )
    instance = first.selectbox(
        "Instance type",
        _with(_INSTANCES, "instance"),
        format_func=priced,
        accept_new_options=True,
        key="training.instance",
        help="A type with a GPU: the algorithm trains on no other. Others can be written; prices are of us-east-1. "
        "On this machine a job runs on the processor and costs nothing.",
    )
    with st.popover("More options", icon=":material/tune:"):
        decay = st.number_input("Weight decay", 0.0, 1.0, step=1e-4, format="%g", key="training.decay")
        steps = st.text_input(
            "Lower the learning rate after epochs",
            key=_default(f"training.steps.{epochs}", _steps(epochs)),
            help="Numbers with commas.",
        )
        factor = st.number_input("Lower it to this share", 0.01, 1.0, step=0.05, key="training.factor")
        hours = st.number_input(
            "Longest time, hours",
            1,
            28 * 24,
            key="training.hours",
            help="SageMaker stops a job that takes longer, and keeps its best model so far.",
        )
    return TrainingOptions(
        num_layers=layers,
        epochs=epochs,
        mini_batch_size=batch,
        learning_rate=rate,
        optimizer=optimizer,
        weight_decay=decay,
        augmentation_type=augmentation,
        lr_scheduler_step=steps,
        lr_scheduler_factor=factor,
        instance_type=instance,
        max_runtime_hours=hours,
    )


def take_options(options: TrainingOptions) -> None:
    """Fill the form with these; for a button's click, before the form is drawn."""
    chosen = {
        FORM: True,
        "training.epochs": options.epochs,
        "training.layers": options.num_layers,
        "training.batch": options.mini_batch_size,
        "training.optimizer": options.optimizer,
        f"training.rate.{options.optimizer}": options.learning_rate,
        "training.augmentation": options.augmentation_type,
        "training.decay": options.weight_decay,
        f"training.steps.{options.epochs}": options.lr_scheduler_step,
        "training.factor": options.lr_scheduler_factor,
        "training.instance": options.instance_type,
        "training.hours": options.max_runtime_hours,
    }
    st.session_state.update(chosen)


def _set_defaults() -> None:
    """What the widgets begin with: in the session's state, where a job's options are put too."""
    defaults: dict[str, float | str] = {
        "epochs": _DEFAULTS.epochs,
        "layers": _DEFAULTS.num_layers,
        "batch": _DEFAULTS.mini_batch_size,
        "optimizer": _DEFAULTS.optimizer,
        "augmentation": _DEFAULTS.augmentation_type,
        "decay": _DEFAULTS.weight_decay,
        "factor": _DEFAULTS.lr_scheduler_factor,
        "instance": _DEFAULTS.instance_type,
        "hours": _DEFAULTS.max_runtime_hours,
    }
    for name, value in defaults.items():
        _default(f"training.{name}", value)


def _default(key: str, value: float | str) -> str:
    """The key of a widget that begins with this value."""
    st.session_state.setdefault(key, value)
    return key


def _with(usual: list[_T], name: str) -> list[_T]:
    """The usual choices, and what was chosen beside them: a job's own, for example."""
    chosen: _T = st.session_state[f"training.{name}"]
    return usual if chosen in usual else [*usual, chosen]


def _steps(epochs: int) -> str:
    """The defaults' epochs, in proportion to how many there are."""
    steps = [round(int(step) * epochs / _DEFAULTS.epochs) for step in _DEFAULTS.lr_scheduler_step.split(",")]
    return ",".join(str(step) for step in dict.fromkeys(steps) if step > 0)
