"""The hyperparameters, as the developer guide documents them."""

from __future__ import annotations

import pytest

from embedded_aws.sagemaker.containers.image_classification.container import UserError
from embedded_aws.sagemaker.containers.image_classification.hyperparameters import parse

REQUIRED = {"num_classes": "2", "num_training_samples": "1000"}

# SageMaker developer guide, "Image Classification Hyperparameters".
DOCUMENTED_DEFAULTS = {
    "num_layers": 152,
    "image_shape": (3, 224, 224),
    "epochs": 30,
    "mini_batch_size": 32,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "lr_scheduler_factor": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.0001,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "eps": 1e-8,
    "gamma": 0.9,
    "early_stopping": False,
    "early_stopping_min_epochs": 10,
    "early_stopping_patience": 5,
    "early_stopping_tolerance": 0.0,
    "use_weighted_loss": False,
    "use_pretrained_model": False,
    "multi_label": False,
    "precision_dtype": "float32",
    "checkpoint_frequency": None,  # only the model with the best validation accuracy is kept
    "top_k": None,
    "resize": None,
    "kv_store": None,
}


@pytest.mark.parametrize("name", DOCUMENTED_DEFAULTS)
def test_what_is_left_open_has_the_documented_default(name: str) -> None:
    assert getattr(parse(REQUIRED), name) == DOCUMENTED_DEFAULTS[name]


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_required_is_asked_for(name: str) -> None:
    given = {key: value for key, value in REQUIRED.items() if key != name}
    with pytest.raises(UserError, match=f"{name} is required"):
        parse(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_layers", "21"),
        ("num_classes", "1"),
        ("epochs", "0"),
        ("epochs", "many"),
        ("learning_rate", "1.5"),
        ("optimizer", "lbfgs"),
        ("image_shape", "1,28,28"),
        ("image_shape", "3,28"),
        ("lr_scheduler_step", "10,x"),
        ("augmentation_type", "mixup"),
        ("top_k", "1"),
        ("multi_label", "1"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(UserError, match=name):
        parse({**REQUIRED, name: value})


@pytest.mark.parametrize("shape", ["3,29,28", "3,32,32"])
def test_layers_for_small_images_are_refused_for_larger_ones(shape: str) -> None:
    with pytest.raises(UserError, match=r"num_layers=20 .* at most 28 pixels in height"):
        parse({**REQUIRED, "num_layers": "20", "image_shape": shape})


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UserError, match="'learning_rat' was unexpected"):
        parse({**REQUIRED, "learning_rat": "0.1"})


def test_more_than_the_classes_cannot_be_the_top() -> None:
    with pytest.raises(UserError, match="top_k=3"):
        parse({**REQUIRED, "top_k": "3"})


def test_checkpoints_rarer_than_epochs_are_refused() -> None:
    with pytest.raises(UserError, match="checkpoint_frequency=31"):
        parse({**REQUIRED, "checkpoint_frequency": "31"})


def test_the_sdks_own_hyperparameters_are_passed_over() -> None:
    assert parse({**REQUIRED, "_tuning_objective_metric": "validation:accuracy"}).epochs == 30


def test_several_steps_are_read() -> None:
    assert parse({**REQUIRED, "lr_scheduler_step": "10, 20"}).lr_scheduler_step == (10, 20)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("use_pretrained_model", "1"),
        ("precision_dtype", "float16"),
        ("checkpoint_frequency", "5"),
        ("kv_store", "dist_sync"),
    ],
)
def test_what_cannot_be_honoured_is_said(name: str, value: str) -> None:
    (sentence,) = parse({**REQUIRED, name: value}).not_honoured()
    assert sentence.startswith(name)
