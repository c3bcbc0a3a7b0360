"""The model as files: weights, and what they are the weights of."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier

_WEIGHTS = "image-classification.pt"
_ARCHITECTURE = "model-shapes.json"


def save(model: Classifier, folder: Path) -> None:
    """Write the model into the folder."""
    torch.save(model.state_dict(), folder / _WEIGHTS)
    (folder / _ARCHITECTURE).write_text(json.dumps(asdict(model.architecture)), encoding="utf-8")


def load(folder: Path) -> Classifier:
    """Read a model for inference; raises ValueError saying what is wrong with the files.

    Only tensors are unpickled: an artifact cannot run code.
    """
    try:
        description = json.loads((folder / _ARCHITECTURE).read_text(encoding="utf-8"))
        for name in ("image_shape", "canvas"):
            description[name] = tuple(description[name])
        model = Classifier(Architecture(**description))
        model.load_state_dict(torch.load(folder / _WEIGHTS, weights_only=True))
    except FileNotFoundError as error:
        raise ValueError(f"the model artifact has no file {Path(error.filename).name}") from error
    except Exception as error:  # torch raises many kinds for a broken file
        raise ValueError(f"the model artifact cannot be read: {error}") from error
    return model.eval()
