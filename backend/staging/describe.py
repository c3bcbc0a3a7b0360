"""What a dataset's class `other` is made of, in words."""

from __future__ import annotations

from backend.staging.dataset import FOREIGN, Dataset, OtherClass
from backend.wording import as_words, count_of, enumerated

WITHOUT_OTHER = (
    "There is no class for anything else: a network of two classes passes about half of all foreign images as a "
    "confident vehicle, for it has no other answer."
)


def describe_other(dataset: Dataset) -> str:
    """What the class `other` is made of, or what it means that there is none."""
    if dataset.other is None:
        return WITHOUT_OTHER
    sentences = [_made_of(dataset.other)]
    if dataset.other.material:
        sentences.append(_material(dataset.other))
    if FOREIGN in dataset.counts:
        sentences.append(f"Kept out whole, as split {FOREIGN}: {_names(dataset.other.held_out)}.")
    return " ".join(sentences)


def describe_reviewed(dataset: Dataset) -> str | None:
    """What of the pictures that people labelled is among the train images; None where none were to be."""
    if dataset.reviewed is None:
        return None
    counts = [f"{count:,} {as_words(label)}" for label, count in sorted(dataset.reviewed.counts.items())]
    said = f"Reviewed pictures among the train images: {enumerated(counts) or 'none'}."
    reasons = [f"{count:,} {reason}" for reason, count in sorted(dataset.reviewed.left_out.items())]
    return f"{said} Left out: {'; '.join(reasons)}." if reasons else said


def codec_warning(dataset: Dataset) -> str | None:
    """What it means that images of `other` were stored in another way than the known ones; None when none were."""
    if dataset.other is None or not dataset.other.material_jpegs:
        return None
    return (
        f"{count_of(dataset.other.material_jpegs, 'image')} of class other were stored as JPEG, the known ones as raw "
        "pixels. A network may learn to tell JPEG's traces instead of what is in the pictures, and seem better than it "
        "is. Give PNG files that never were JPEG."
    )


def _made_of(other: OtherClass) -> str:
    parts = [
        f"drawn evenly from {len(other.classes)} classes that were not chosen ({_names(other.classes)})"
        if other.classes
        else "",
        f"{other.blank_share:.0%} of it pictures of nothing (blank frames, noise, gradients)"
        if other.blank_share
        else "",
    ]
    return f"Class other: {', '.join(filter(None, parts)) or 'material alone'}."


def _material(other: OtherClass) -> str:
    images = f"From {other.material}: {count_of(other.material_images, 'image')}"
    left_out = f"{count_of(other.material_left_out, 'file')} left out, as damaged, no such image, or too many"
    return f"{images} ({left_out})." if other.material_left_out else f"{images}."


def _names(labels: tuple[str, ...]) -> str:
    return enumerated([as_words(label) for label in labels])
