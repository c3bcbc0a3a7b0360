"""The model as files: weights, and what they are the weights of."""

from __future__ import annotations

import json
import tarfile
import tempfile
import zlib
from dataclasses import asdict
from pathlib import Path

import torch

from embedded_aws.sagemaker.containers.image_classification.hyperparameters import (
    LARGE_IMAGE_LAYERS,
    SMALL_IMAGE_LAYERS,
)
from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier

_WEIGHTS = "image-classification.pt"
_ARCHITECTURE = "model-shapes.json"
_ADVICE = "Take the model.tar.gz of a training job that ran here, as it is."
_NAMED = 5  # files of another layout


def save(model: Classifier, folder: Path) -> None:
    """Write the model into the folder."""
    torch.save(model.state_dict(), folder / _WEIGHTS)
    (folder / _ARCHITECTURE).write_text(json.dumps(asdict(model.architecture)), encoding="utf-8")


def load(folder: Path) -> Classifier:
    """Read a model for inference; raises ValueError, in sentences, saying what is wrong with the files.

    Only tensors are unpickled: an artifact cannot run code.
    """
    found = sorted(path.name for path in folder.iterdir())
    if missing := [name for name in (_WEIGHTS, _ARCHITECTURE) if name not in found]:
        raise ValueError(f"model.tar.gz {_lack(missing, found)}")
    try:
        model = Classifier(_read_architecture(folder / _ARCHITECTURE))
    except (ValueError, TypeError, KeyError, RuntimeError) as error:  # torch's own is the last
        raise ValueError(f"{_ARCHITECTURE} in model.tar.gz describes no network that is known. {_ADVICE}") from error
    try:
        model.load_state_dict(torch.load(folder / _WEIGHTS, weights_only=True))
    except Exception as error:  # torch raises many kinds for a broken file
        raise ValueError(
            f"{_WEIGHTS} in model.tar.gz is damaged, or is not of the network in {_ARCHITECTURE}. {_ADVICE}"
        ) from error
    return model.eval()


def load_packed(archive: Path) -> Classifier:
    """Read a model from a model.tar.gz; raises ValueError as `load` does."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(folder, filter="data")
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            raise ValueError(f"{archive.name} is not a gzipped tar archive, or is damaged. {_ADVICE}") from error
        return load(Path(folder))


def _lack(missing: list[str], found: list[str]) -> str:
    holds = ", ".join(found[:_NAMED]) or "nothing"
    sentence = f"has no {' and no '.join(missing)} at its top level: it holds {holds}."
    if any(name.endswith((".params", "-symbol.json")) for name in found):
        sentence += " These are MXNet's files, as the built-in algorithm writes them on AWS."
    return f"{sentence} {_ADVICE}"


def _read_architecture(path: Path) -> Architecture:
    description = json.loads(path.read_text(encoding="utf-8"))
    for name in ("image_shape", "canvas"):
        description[name] = tuple(description[name])
    architecture = Architecture(**description)
    if architecture.num_layers not in (*SMALL_IMAGE_LAYERS, *LARGE_IMAGE_LAYERS):  # before so many are made
        raise ValueError(f"{architecture.num_layers} layers")
    return architecture
