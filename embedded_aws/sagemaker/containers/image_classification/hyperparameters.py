"""The algorithm's hyperparameters: the built-in's names, defaults and ranges.

Source: SageMaker developer guide, "Image Classification Hyperparameters".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from embedded_aws.sagemaker.containers.image_classification.container import UserError

SMALL_IMAGE_LAYERS = (20, 32, 44, 56, 110)
LARGE_IMAGE_LAYERS = (18, 34, 50, 101, 152, 200)
_SMALL_HEIGHT = 28
"""The tallest image_shape that the built-in's network of three stages takes. Source: MXNet's symbol of the ResNet."""


def _integers(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


def _known_layers(value: int) -> int:
    if value not in (*SMALL_IMAGE_LAYERS, *LARGE_IMAGE_LAYERS):
        raise ValueError(f"choose one of {SMALL_IMAGE_LAYERS} for small images or {LARGE_IMAGE_LAYERS} for large ones")
    return value


def _three_channels(value: tuple[int, int, int]) -> tuple[int, int, int]:
    if value[0] != 3:
        raise ValueError("images have 3 channels")
    return value


Integers = BeforeValidator(_integers)
Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Hyperparameters(BaseModel):
    """One job's hyperparameters; SageMaker gives each as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_classes: Annotated[int, Field(ge=2)]
    num_training_samples: Positive
    num_layers: Annotated[int, AfterValidator(_known_layers)] = 152
    image_shape: Annotated[tuple[int, Positive, Positive], Integers, AfterValidator(_three_channels)] = (3, 224, 224)
    epochs: Positive = 30
    mini_batch_size: Positive = 32
    optimizer: Literal["sgd", "adam", "rmsprop", "nag"] = "sgd"
    learning_rate: Fraction = 0.1
    lr_scheduler_factor: Fraction = 0.1
    lr_scheduler_step: Annotated[tuple[Positive, ...], Integers] = ()
    momentum: Fraction = 0.9
    weight_decay: Fraction = 0.0001
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    eps: Fraction = 1e-8
    gamma: Fraction = 0.9
    augmentation_type: Literal["none", "crop", "crop_color", "crop_color_transform"] = "none"
    resize: Positive | None = None
    early_stopping: bool = False
    early_stopping_min_epochs: Positive = 10
    early_stopping_patience: Positive = 5
    early_stopping_tolerance: Fraction = 0.0
    use_weighted_loss: bool = False
    top_k: Annotated[int, Field(ge=2)] | None = None
    use_pretrained_model: bool = False
    multi_label: bool = False
    precision_dtype: Literal["float32", "float16"] = "float32"
    checkpoint_frequency: Positive | None = None
    kv_store: Literal["dist_sync", "dist_async"] | None = None

    def not_honoured(self) -> Iterator[str]:
        """A sentence for each hyperparameter that is set and cannot be honoured here."""
        if self.use_pretrained_model:
            yield "use_pretrained_model=1 is not honoured: no pretrained weights are at hand; training from scratch."
        if self.precision_dtype == "float16":
            yield "precision_dtype=float16 is not honoured: this machine trains in float32."
        if self.checkpoint_frequency is not None:
            yield "checkpoint_frequency is not honoured: only the model with the best validation accuracy is kept."
        if self.kv_store is not None:
            yield "kv_store is not honoured: training runs on one machine."


def parse(values: Mapping[str, str]) -> Hyperparameters:
    """Read hyperparameters as SageMaker gives them; raises UserError naming each that is wrong.

    Names that start with an underscore are the SDK's own and are passed over.
    """
    given = {name: value for name, value in values.items() if not name.startswith("_")}
    try:
        parsed = Hyperparameters.model_validate(given)
    except ValidationError as error:
        raise UserError(" ".join(_sentence(item) for item in error.errors())) from error
    if parsed.num_layers in SMALL_IMAGE_LAYERS and parsed.image_shape[1] > _SMALL_HEIGHT:
        raise UserError(
            f"Hyperparameter num_layers={parsed.num_layers} is for an image_shape of at most {_SMALL_HEIGHT} pixels in "
            f"height, not {parsed.image_shape[1]}. Choose one of {LARGE_IMAGE_LAYERS}, or a smaller image_shape."
        )
    if parsed.multi_label:
        raise UserError("Hyperparameter multi_label=1 is not supported: every image has one label here.")
    if parsed.checkpoint_frequency is not None and parsed.checkpoint_frequency > parsed.epochs:
        raise UserError(
            f"Hyperparameter checkpoint_frequency={parsed.checkpoint_frequency} exceeds epochs={parsed.epochs}."
        )
    if parsed.top_k is not None and parsed.top_k > parsed.num_classes:
        raise UserError(f"Hyperparameter top_k={parsed.top_k} exceeds num_classes={parsed.num_classes}.")
    return parsed


def _sentence(item: Any) -> str:
    name = str(item["loc"][0])
    if item["type"] == "missing":
        return f"Hyperparameter {name} is required."
    if item["type"] == "extra_forbidden":
        return f"Additional hyperparameters are not allowed: {name!r} was unexpected."
    return f"Hyperparameter {name} has an invalid value {item['input']!r}: {item['msg']}."
