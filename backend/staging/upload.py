"""Files that a person hands in through the browser, to be staged."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from backend.aws.environment import Environment
from backend.errors import SourceUnavailable
from backend.progress import Progress, no_progress
from backend.staging.dataset import Dataset
from backend.staging.extract import LocalArchive, Source
from backend.staging.other_class import OtherOptions
from backend.staging.reviewed import Reviewed
from backend.staging.stage import stage_dataset
from backend.wording import safe_name


@dataclass(frozen=True)
class Upload:
    """A file that was handed in, by its name."""

    name: str
    file: BinaryIO


def stage_upload(
    environment: Environment,
    source: Source | Upload,
    labels: Sequence[str],
    progress: Progress = no_progress,
    *,
    other: OtherOptions | None,
    material: Upload | None = None,
    reviewed: Reviewed = tuple,
) -> Dataset:
    """As stage_dataset, from an archive or with material that was handed in; their files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scones-upload-") as name:
        folder = Path(name)
        if isinstance(source, Upload):
            source = LocalArchive(keep_upload(source, folder / "archive"))
        if other and material:
            other = replace(other, material=keep_upload(material, folder / "material"))
        return stage_dataset(environment, source, labels, progress, other=other, reviewed=reviewed)


def keep_upload(upload: Upload, folder: Path) -> Path:
    """Write what was handed in to a new folder, by its name; raises SourceUnavailable when there is no room."""
    path = folder / safe_name(upload.name)
    try:
        folder.mkdir()
        with path.open("wb") as file:
            upload.file.seek(0)
            shutil.copyfileobj(upload.file, file)
    except OSError as error:
        reason = f"{upload.name} cannot be written to the disk ({error.strerror}). Free space."
        raise SourceUnavailable(reason) from error
    return path
