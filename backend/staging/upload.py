"""An archive that a person hands in through the browser, to be staged."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from backend.aws.environment import Environment
from backend.errors import SourceUnavailable
from backend.progress import Progress, no_progress
from backend.staging.dataset import Dataset
from backend.staging.extract import LocalArchive
from backend.staging.stage import stage_dataset
from backend.wording import safe_name


def stage_upload(
    environment: Environment, name: str, archive: BinaryIO, labels: Sequence[str], progress: Progress = no_progress
) -> Dataset:
    """As stage_dataset, from an archive that was handed in; its file is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="scones-upload-") as folder:
        path = Path(folder) / safe_name(name)
        try:
            with path.open("wb") as file:
                archive.seek(0)
                shutil.copyfileobj(archive, file)
        except OSError as error:
            raise SourceUnavailable(f"{name} cannot be written to the disk ({error.strerror}). Free space.") from error
        return stage_dataset(environment, LocalArchive(path), labels, progress)
