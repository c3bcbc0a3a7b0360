"""The images that a model is evaluated on: those of its dataset, and a folder's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from backend import staging
from backend.aws.environment import Environment
from backend.errors import InvalidImage, SourceUnavailable
from backend.evaluation.record import EvaluatedImage, Split
from backend.staging import Dataset
from backend.staging.pictures import check_picture
from backend.workflow.uploads import prepare_image

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
_MOST_FILES = 10_000


@dataclass(frozen=True)
class Question:
    """An image to ask a model about: all that is known of it before, and how its bytes are read.

    `read` gives bytes and media type. It raises InvalidImage for a file that is none, ImageMissing for one that is
    gone.
    """

    name: str
    split: Split
    label_index: int | None
    read: Callable[[], tuple[bytes, str]]
    key: str | None = None
    drawn_from: str | None = None

    def answered(self, probabilities: tuple[float, ...]) -> EvaluatedImage:
        """Raises ValueError where the answer is none."""
        return EvaluatedImage(self.name, self.split, self.label_index, probabilities, self.key, self.drawn_from)


def staged_questions(environment: Environment, dataset: Dataset) -> Iterator[Question]:
    """The images of the splits that no training reads: `test`, and `foreign` where there is one."""
    for image in staging.list_images(environment, dataset, "test"):
        read = partial(_read_staged, environment, image.key)
        yield Question(image.name, "test", image.label_index, read, image.key, image.drawn_from)
    for image in staging.list_images(environment, dataset, "foreign") if "foreign" in dataset.counts else ():
        read = partial(_read_staged, environment, image.key)
        yield Question(image.name, "foreign", None, read, image.key, image.drawn_from)


def folder_questions(folder: Path) -> list[Question]:
    """The pictures of a folder and those below it, in the order of their names.

    Raises SourceUnavailable when there is no such folder, none in it, or too many.
    """
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    except OSError as error:
        raise SourceUnavailable(f"{folder} cannot be read ({error.strerror}). Choose another folder.") from error
    if not paths:
        raise SourceUnavailable(f"There is no PNG or JPEG file in {folder}. Choose another folder.")
    if len(paths) > _MOST_FILES:
        raise SourceUnavailable(f"{folder} has {len(paths):,} pictures, more than {_MOST_FILES:,}. Choose fewer.")
    return [Question(str(path.relative_to(folder)), "folder", None, partial(_read_file, path)) for path in paths]


def _read_staged(environment: Environment, key: str) -> tuple[bytes, str]:
    content = staging.read_image(environment, key)
    return content, check_picture(key, content)


def _read_file(path: Path) -> tuple[bytes, str]:
    """As the workflow would be given it: upright, and scaled down where it is large."""
    try:
        image = prepare_image(path.name, path.read_bytes())
    except OSError as error:
        raise InvalidImage(f"{path.name} cannot be read ({error.strerror}). Choose another file.") from error
    return image.content, image.media_type
