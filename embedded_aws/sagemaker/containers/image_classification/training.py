"""Training: the loop, its log lines, and when it ends."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from embedded_aws.sagemaker.containers.image_classification import artifact
from embedded_aws.sagemaker.containers.image_classification.augmentation import augment, cut_centre
from embedded_aws.sagemaker.containers.image_classification.container import Container, Stop, UserError
from embedded_aws.sagemaker.containers.image_classification.hyperparameters import Hyperparameters, parse
from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier
from embedded_aws.sagemaker.containers.image_classification.samples import Images, read_images
from embedded_aws.sagemaker.containers.image_classification.threads import ThreadChooser, counts_to_try

_LOG_EVERY_BATCHES = 20
_EVALUATION_BATCH = 250
_LAYOUT = torch.channels_last  # a step takes a fifth less time on a CPU than in PyTorch's own layout
_LONG_SECONDS = 600  # from here on, a training says beforehand how long it takes
SEED_CHANNEL = "model"
"""The channel of incremental training. Source: SageMaker developer guide, "Use Incremental Training"."""
_CHANNELS = frozenset({"train", "validation", "train_lst", "validation_lst", SEED_CHANNEL})
_TAB = "#011"  # as CloudWatch shows the tabs in the built-in's log lines


def train(container: Container, log: logging.Logger, stop: Stop) -> Classifier:
    """Train the model that a job's hyperparameters and channels describe; the best epoch's, as the built-in keeps it.

    Raises UserError when they are wrong. When told to stop, returns the best model so far. `SEED` in the job's
    environment chooses other random numbers.
    """
    chosen = parse(container.hyperparameters())
    for sentence in chosen.not_honoured():
        log.warning(sentence)
    for name in sorted(container.channels() - _CHANNELS):
        log.warning("Channel %s is not read: the channels are %s.", name, ", ".join(sorted(_CHANNELS)))
    torch.manual_seed(_seed(os.environ.get("SEED", "0")))
    shape = chosen.image_shape[1:]
    training = Split.of(read_images(container, "train", chosen.num_classes, shape, chosen.resize))
    validation = Split.of(read_images(container, "validation", chosen.num_classes, shape, chosen.resize))
    if len(training.labels) != chosen.num_training_samples:
        log.warning(
            "num_training_samples=%d, yet train_lst names %d images.", chosen.num_training_samples, len(training)
        )
    trainer = Trainer(chosen, training, validation, log)
    if SEED_CHANNEL in container.channels():
        trainer.start_from(_read_seed_model(container))
    trainer.train(stop)
    return trainer.best_model()


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"SEED in the job's environment must be a whole number from 0 on, not {text!r}.")
    return int(text)


def _read_seed_model(container: Container) -> Classifier:
    """The model that incremental training goes on with: the channel's `model.tar.gz`."""
    archives = sorted(path for path in container.channel(SEED_CHANNEL).rglob("*.tar.gz") if path.is_file())
    if len(archives) != 1:
        raise UserError(
            f"Channel {SEED_CHANNEL} holds {len(archives)} files named .tar.gz. Give the S3 URI of one model.tar.gz."
        )
    try:
        return artifact.load_packed(archives[0])
    except ValueError as error:
        raise UserError(f"Channel {SEED_CHANNEL}: {error}") from error


@dataclass(frozen=True)
class Split:
    """Images as tensors: `pixels` uint8 (n, 3, height, width), `labels` int64 (n,)."""

    pixels: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Images) -> Split:
        return cls(torch.from_numpy(images.pixels), torch.from_numpy(images.labels))

    def __len__(self) -> int:
        return len(self.labels)


class Trainer:
    """A model in training."""

    def __init__(self, chosen: Hyperparameters, training: Split, validation: Split, log: logging.Logger) -> None:
        self._chosen = chosen
        self._shape = chosen.image_shape[1:]
        self._training = training
        self._validation = validation
        self._log = log
        self._random = torch.Generator().manual_seed(torch.initial_seed())
        self._best_accuracy = -1.0
        self._best_weights: dict[str, Tensor] = {}
        height, width = training.pixels.shape[2:]
        architecture = Architecture(chosen.num_layers, chosen.num_classes, self._shape, (height, width), chosen.resize)
        self._model = Classifier(architecture)
        self._refuse_a_batch_of_one_value()
        self._model.to(memory_format=_LAYOUT)  # type: ignore[call-overload]  # missing in torch's own types
        self._set_normalisation()
        self._loss = nn.CrossEntropyLoss(weight=self._class_weights())
        self._optimizer = make_optimizer(chosen, self._model)
        self._batches = -(-len(training) // chosen.mini_batch_size)
        self._threads = ThreadChooser(counts_to_try(os.environ, torch.get_num_threads()))

    def start_from(self, seed: Classifier) -> None:
        """Go on with a trained model's weights; raises UserError when it is another network."""
        for name in ("num_layers", "num_classes", "image_shape"):
            own, other = getattr(self._model.architecture, name), getattr(seed.architecture, name)
            if own != other:
                raise UserError(
                    f"The model in channel {SEED_CHANNEL} has {name} {_plain(other)}, and the job {_plain(own)}. "
                    f"Incremental training needs the same num_layers, num_classes and image_shape."
                )
        self._model.load_state_dict(seed.state_dict())
        self._log.info("Training goes on with the model in channel %s.", SEED_CHANNEL)

    def train(self, stop: Stop) -> None:
        """Train for the epochs asked for, or until early stopping or `stop` ends it."""
        patience = EarlyStopping(self._chosen)
        for epoch in range(self._chosen.epochs):
            started = time.perf_counter()
            accuracy = self._train_epoch(epoch, stop)
            if stop.is_set():
                self._log.info("Stopping at epoch %d, as asked.", epoch)
                return
            self._log.info("Epoch[%d] Train-accuracy=%.6f", epoch, accuracy)
            self._log.info("Epoch[%d] Time cost=%.3f", epoch, time.perf_counter() - started)
            accuracy = self._validate(epoch)
            self._log.info("Epoch[%d] Validation-accuracy=%.6f", epoch, accuracy)
            self._keep_best(accuracy)
            if patience.is_over(epoch, accuracy):
                self._log.info("Early stopping at epoch %d: no improvement.", epoch)
                return

    def best_model(self) -> Classifier:
        """The model after the epoch with the best validation accuracy; before any was validated, the model so far."""
        if self._best_weights:
            self._model.load_state_dict(self._best_weights)
        return self._model

    def _keep_best(self, accuracy: float) -> None:
        if accuracy >= self._best_accuracy:  # of equals the one that has been trained longer
            self._log.info("Storing the best model with validation accuracy: %.6f", accuracy)
            self._best_accuracy = accuracy
            self._best_weights = {name: value.clone() for name, value in self._model.state_dict().items()}

    def _train_epoch(self, epoch: int, stop: Stop) -> float:
        """Train on every image once; returns the share that was told right on the way."""
        self._model.train()
        correct = seen = 0
        started = time.perf_counter()
        for batch, chosen in enumerate(self.batches_of_an_epoch()):
            if stop.is_set():
                break
            self._set_learning_rate(epoch, batch)
            correct += self._timed_step(chosen)
            seen += len(chosen)
            if epoch == batch == 0:
                self._say_how_long(time.perf_counter() - started)
            if batch and batch % _LOG_EVERY_BATCHES == 0:
                speed = seen / (time.perf_counter() - started)
                report = f"Speed: {speed:.3f} samples/sec{_TAB}accuracy={correct / seen:.6f}"
                self._log.info("Epoch[%d] Batch [%d]%s%s", epoch, batch, _TAB, report)
        return correct / max(seen, 1)

    def batches_of_an_epoch(self) -> Iterator[Tensor]:
        """Indices of all images, in a new order.

        A last image alone is joined by the first ones, as MXNet's `round_batch` fills a batch: what is normalised by
        itself alone teaches little, and a network that ends in one pixel nothing.
        """
        order = torch.randperm(len(self._training), generator=self._random)
        size = self._chosen.mini_batch_size
        for chosen in torch.split(order, size):
            yield chosen if len(chosen) > 1 else torch.cat((chosen, order[: size - 1]))

    def _say_how_long(self, seconds: float) -> None:
        """Log what the training takes when its first batch took so many seconds, where that is long."""
        steps = self._batches * self._chosen.epochs
        if steps * seconds >= _LONG_SECONDS:
            self._log.warning(
                "This training takes about %s on this machine, by its first batch: %.1f s, one of %d. "
                "Fewer num_layers or epochs, or a smaller image_shape, take less.",
                duration(steps * seconds),
                seconds,
                steps,
            )

    def _timed_step(self, chosen: Tensor) -> int:
        """A step with as many threads as are fastest now."""
        if self._threads.threads != torch.get_num_threads():
            torch.set_num_threads(self._threads.threads)
        started = time.perf_counter()
        correct = self._step(chosen)
        self._threads.took(time.perf_counter() - started, len(chosen))
        return correct

    def _step(self, chosen: Tensor) -> int:
        """Train on these images; returns how many were told right."""
        pixels = augment(self._training.pixels[chosen], self._chosen.augmentation_type, self._shape, self._random)
        labels = self._training.labels[chosen]
        logits = self._model(pixels.contiguous(memory_format=_LAYOUT))
        self._optimizer.zero_grad()
        self._loss(logits, labels).backward()
        self._optimizer.step()
        return int((logits.argmax(1) == labels).sum())

    def _set_learning_rate(self, epoch: int, batch: int) -> None:
        """The schedule's rate; in the first epoch it grows from nothing, which keeps large rates stable."""
        passed = sum(epoch >= step for step in self._chosen.lr_scheduler_step)
        rate = self._chosen.learning_rate * self._chosen.lr_scheduler_factor**passed
        if epoch == 0:
            rate *= (batch + 1) / self._batches
        for group in self._optimizer.param_groups:
            group["lr"] = rate

    @torch.inference_mode()
    def _validate(self, epoch: int) -> float:
        self._model.eval()
        pixels = cut_centre(self._validation.pixels, self._shape).contiguous(memory_format=_LAYOUT)
        logits = torch.cat([self._model(part.float()) for part in torch.split(pixels, _EVALUATION_BATCH)])
        if self._chosen.top_k is not None:
            best = logits.topk(self._chosen.top_k).indices
            share = (best == self._validation.labels[:, None]).any(1).float().mean().item()
            self._log.info("Epoch[%d] Validation-top_k_accuracy_%d=%.6f", epoch, self._chosen.top_k, share)
        return (logits.argmax(1) == self._validation.labels).float().mean().item()

    def _set_normalisation(self) -> None:
        pixels = cut_centre(self._training.pixels, self._shape).float()
        self._model.mean.copy_(pixels.mean(dim=(0, 2, 3)).view(1, 3, 1, 1))
        self._model.deviation.copy_(pixels.std(dim=(0, 2, 3)).clamp(min=1.0).view(1, 3, 1, 1))

    @torch.inference_mode()
    def _refuse_a_batch_of_one_value(self) -> None:
        """Batch normalisation in training needs two values a channel: two images, or one with two pixels at the end."""
        if self._chosen.mini_batch_size > 1:
            return
        features = self._model.eval().body(torch.zeros(1, 3, *self._shape))
        if features.shape[2:].numel() == 1:
            raise UserError(
                f"Hyperparameter mini_batch_size=1 teaches nothing with image_shape {_plain((3, *self._shape))}: one "
                "pixel is left at the end of the network. Set mini_batch_size to 2 or more, or a larger image_shape."
            )

    def _class_weights(self) -> Tensor | None:
        """Rare classes count more, so that each class counts the same in all."""
        if not self._chosen.use_weighted_loss:
            return None
        counts = torch.bincount(self._training.labels, minlength=self._chosen.num_classes).clamp(min=1)
        return len(self._training) / (self._chosen.num_classes * counts)


def duration(seconds: float) -> str:
    """As a person says it: in minutes up to two hours, in hours up to two days, then in days."""
    for unit, name, most in ((60, "minutes", 120), (3600, "hours", 48)):
        if seconds < unit * most:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400:.0f} days"


def _plain(value: int | tuple[int, ...]) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


class EarlyStopping:
    """Ends a training that has not improved for `patience` epochs, after `min_epochs`."""

    def __init__(self, chosen: Hyperparameters) -> None:
        self._chosen = chosen
        self._best = 0.0
        self._best_epoch = 0

    def is_over(self, epoch: int, accuracy: float) -> bool:
        """Whether to end after this epoch; an improvement counts in proportion to the best accuracy before it."""
        if accuracy > self._best * (1 + self._chosen.early_stopping_tolerance):
            self._best, self._best_epoch = accuracy, epoch
        if not self._chosen.early_stopping or epoch + 1 < self._chosen.early_stopping_min_epochs:
            return False
        return epoch - self._best_epoch >= self._chosen.early_stopping_patience


def make_optimizer(chosen: Hyperparameters, model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer by the built-in's name, with the hyperparameters that concern it."""
    rate, decay = chosen.learning_rate, chosen.weight_decay
    parameters = model.parameters()
    match chosen.optimizer:
        case "adam":
            betas = (min(chosen.beta_1, 0.9999), min(chosen.beta_2, 0.99999))
            return torch.optim.Adam(parameters, rate, betas, chosen.eps, decay)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, rate, alpha=chosen.gamma, eps=chosen.eps, weight_decay=decay)
        case kind:
            nesterov = kind == "nag" and chosen.momentum > 0
            return torch.optim.SGD(parameters, rate, chosen.momentum, weight_decay=decay, nesterov=nesterov)
