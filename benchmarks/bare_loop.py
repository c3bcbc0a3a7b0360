"""The baseline: PyTorch as one writes it in a notebook, without job, log, schedule or container.

`python -m benchmarks.bare_loop FOLDER SEED EPOCHS` reads `FOLDER/{train,validation}/<class index>/*.png`, trains, and
prints the seconds from before the first epoch to behind the last validation.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier

SIDE = 28
BATCH = 32


def main(folder: Path, seed: int, epochs: int) -> None:
    torch.manual_seed(seed)
    pixels, labels = _read(folder / "train")
    held_pixels, held_labels = _read(folder / "validation")
    network = Classifier(Architecture(20, int(labels.max()) + 1, (SIDE, SIDE), (32, 32)))
    started = time.perf_counter()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-3, nesterov=True)
    loss = nn.CrossEntropyLoss()
    for _ in range(epochs):
        network.train()
        for chosen in torch.split(torch.randperm(len(labels)), BATCH):
            optimizer.zero_grad()
            loss(network(_cut_and_flip(pixels[chosen])), labels[chosen]).backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            predicted = network(held_pixels[:, :, 2 : 2 + SIDE, 2 : 2 + SIDE]).argmax(1)
            _ = (predicted == held_labels).float().mean().item()
    print(time.perf_counter() - started)


def _cut_and_flip(pixels: Tensor) -> Tensor:
    """The same cut for a batch, half the time mirrored: the cheapest augmentation there is."""
    top, left = torch.randint(0, 5, (2,)).tolist()
    cut = pixels[:, :, top : top + SIDE, left : left + SIDE]
    return cut.flip(3) if torch.rand(()) < 0.5 else cut


def _read(folder: Path) -> tuple[Tensor, Tensor]:
    """Float pixels (n, 3, 32, 32) from 0 to 255, and class indices (n,)."""
    paths = sorted(folder.rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in paths]).transpose(0, 3, 1, 2)
    return torch.from_numpy(pixels.astype(np.float32)), torch.tensor([int(path.parent.name) for path in paths])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
