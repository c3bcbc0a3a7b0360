"""Which image comes next: of a class that the mix gives, or a foreign one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend import staging
from backend.aws.environment import Environment
from backend.errors import TrafficNotPossible
from backend.staging import StagedImage
from backend.traffic.drift import Drift
from backend.wording import enumerated


@dataclass(frozen=True)
class Pool:
    """The images that traffic is drawn from, none of which the model was trained on.

    `known` has them by class, in the order of the labels; `foreign` may be empty.
    """

    known: Mapping[str, Sequence[StagedImage]]
    foreign: Sequence[StagedImage] = ()

    def check(self, drift: Drift) -> None:
        """Raise TrafficNotPossible when what a drift asks for is not there."""
        if drift.foreign and not self.foreign:
            raise TrafficNotPossible("There are no foreign images. Stage images again, with a class other.")
        if unknown := [label for label in drift.mix if label not in self.known]:
            raise TrafficNotPossible(
                f"There are no test images of {enumerated(unknown)}. Choose a class that is staged."
            )

    def draw(self, drift: Drift, rng: np.random.Generator) -> StagedImage:
        """The next image, drawn anew each time: one may come again."""
        if drift.foreign and rng.random() < drift.foreign:
            return self.foreign[int(rng.integers(len(self.foreign)))]
        labels = list(self.known)
        weights = np.array([drift.mix.get(label, 0) for label in labels] if drift.mix else [1] * len(labels), float)
        of_class = self.known[labels[rng.choice(len(labels), p=weights / weights.sum())]]
        return of_class[int(rng.integers(len(of_class)))]


def read_pool(environment: Environment) -> Pool:
    """The images of the current dataset that traffic may be drawn from: the test split, and what is foreign.

    Foreign are those of the classes that were kept out whole or, where there are none, the test images of `other`.
    Raises TrafficNotPossible when nothing is staged.
    """
    dataset = staging.describe_dataset(environment)
    if dataset is None:
        raise TrafficNotPossible("No images are staged. Stage some first.")
    test = staging.list_images(environment, dataset, staging.TEST)
    by_label = {label: [image for image in test if image.label == label] for label in dataset.known_labels}
    known = {label: images for label, images in by_label.items() if images}
    if staging.FOREIGN in dataset.counts:
        return Pool(known, staging.list_images(environment, dataset, staging.FOREIGN))
    return Pool(known, [image for image in test if image.label == staging.OTHER])
