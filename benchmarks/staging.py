"""From the archive to a dataset in the bucket against the course's way, on the same archive and S3 in the same run.

The course's way: everything extracted, the members unpickled, one `plt.imsave` for each image of the chosen classes,
and the files sent by s3transfer with 10 threads, as `aws s3 sync` does. Both run in processes of their own. Memory is
that of the process and of those that it starts. A second comparison, and the memory, are of an archive as large as
CIFAR-100, whose pixels are random.

After many files were deleted, ext4 takes up to five times as long to make one, for some minutes: each that it makes
looks at all that were deleted (`recently_deleted` in the kernel's fs/ext4/ialloc.c). So nothing is deleted while this
measures; `TMPDIR=/dev/shm` leaves the disk out.
"""

from __future__ import annotations

import io
import multiprocessing
import pickle
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from PIL import Image

from backend import foundation, staging
from backend.aws.environment import Environment, open_environment
from backend.settings import Settings
from benchmarks.place import say

TURNS = 5
AGAIN = 3
"""Stagings with nothing changed, each turn."""
LABELS = ("bicycle", "motorcycle")
ROWS = {"train": 50_000, "test": 10_000}
"""Images of an archive as large as the course's."""
_SAMPLE_SECONDS = 0.02


def measure(archive: Path) -> dict[str, Any]:
    """The figures by name: medians over the turns, of the given archive and of one as large as CIFAR-100's."""
    with tempfile.TemporaryDirectory(prefix="scones-benchmark-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-benchmark")
        with closing(open_environment(settings)) as environment:
            say(f"packing an archive of {sum(ROWS.values()):,} images")
            large = make_archive(Path(folder) / "large.tar.gz")
            of_large = _compare(environment, "large", large)
            of_given = _compare(environment, "given", archive)
            whole = _run(_stage_whole, settings, large)
    return {
        **of_given,
        "full_size": {"rows": sum(ROWS.values()), **of_large},
        "with_other": {"seconds": whole["seconds"], "resync_seconds": whole["again"], "images": whole["images"]},
        "peak_mb": whole["peak_mb"],
    }


def _compare(environment: Environment, name: str, archive: Path) -> dict[str, Any]:
    """Both ways in turns, each turn in a project of its own."""
    ours, theirs = [], []
    for turn in range(TURNS):
        project = f"scones-{name}-{turn}"
        settings = environment.settings.model_copy(update={"project": project})
        foundation.deploy_foundation(replace(environment, settings=settings))
        theirs.append(_run(_stage_as_the_course_does, settings, archive))
        ours.append(_run(_stage, settings, archive))
        assert ours[-1]["images"] == theirs[-1]["images"]  # noqa: S101  else they cannot be compared
        say(f"turn {turn + 1} of {archive.name}: {ours[-1]} against {theirs[-1]}")
    seconds, course = _median(ours, "seconds"), _median(theirs, "seconds")
    return {
        "images": ours[0]["images"],
        "seconds": seconds,
        "course_seconds": course,
        "course_saves_with": theirs[0]["saves_with"],
        "course_upload_seconds": _median(theirs, "upload_seconds"),
        "speedup": round(course / seconds, 2),
        "resync_seconds": _median(ours, "again"),
        "resync_share": round(median(run["again"] / run["seconds"] for run in ours), 4),
    }


def make_archive(path: Path) -> Path:
    """An archive of as many images as CIFAR-100's, evenly of all classes, none like another."""
    rng = np.random.default_rng(0)
    contents: dict[str, Any] = {"meta": {b"fine_label_names": [name.encode() for name in staging.FINE_LABELS]}}
    for split, rows in ROWS.items():
        contents[split] = {
            b"filenames": [f"{split}_{number:06}.png".encode() for number in range(rows)],
            b"fine_labels": [number % len(staging.FINE_LABELS) for number in range(rows)],
            b"data": rng.integers(0, 256, (rows, 3072), dtype=np.uint8),
        }
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in contents.items():
            packed = pickle.dumps(content, protocol=4)
            member = tarfile.TarInfo(f"cifar-100-python/{name}")
            member.size = len(packed)
            archive.addfile(member, io.BytesIO(packed))
    return path


def _run(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What a function gives, run in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _warm_up(settings: Settings) -> None:
    """Load what staging uses, as the app has it loaded long before: imports count for nobody."""
    warm = settings.model_copy(update={"project": f"{settings.project}-warm"})
    with closing(open_environment(warm)) as environment:
        staging.stage_dataset(environment, staging.OfflineSample(train_per_class=4, test_per_class=2), LABELS)
        with create_transfer_manager(environment.s3, TransferConfig()) as manager:
            manager.upload(__file__, environment.bucket, "warm.py").result()


def _stage(settings: Settings, archive: Path) -> dict[str, Any]:
    """The known classes alone, as the course takes them; then the same again, and again."""
    return _staged(settings, archive, None)


def _stage_whole(settings: Settings, archive: Path) -> dict[str, Any]:
    """As the app does unless it is told otherwise: with a class `other` of all that was not chosen."""
    return _staged(settings, archive, staging.OtherOptions())


def _staged(settings: Settings, archive: Path, other: staging.OtherOptions | None) -> dict[str, Any]:
    _warm_up(settings)
    with closing(open_environment(settings)) as environment:
        figures: dict[str, Any] = {}

        def stage() -> staging.Dataset:
            return staging.stage_dataset(environment, staging.LocalArchive(archive), LABELS, other=other)

        with _peak() as peak, _seconds(figures, "seconds"):
            dataset = stage()
        times = []
        for _ in range(AGAIN):
            with _seconds(figures, "again"):
                assert stage() == dataset  # noqa: S101
            times.append(figures["again"])
        images = sum(dataset.size(split) for split in dataset.splits)
        return figures | peak | {"again": round(median(times), 3), "images": images}


def _stage_as_the_course_does(settings: Settings, archive: Path) -> dict[str, Any]:
    _warm_up(settings)
    save, saves_with = _saving()
    folder = settings.state_dir / "course" / settings.project
    folder.mkdir(parents=True)
    with closing(open_environment(settings)) as environment:
        client = environment.s3
        figures: dict[str, Any] = {}
        with _seconds(figures, "seconds"):
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            wanted = {staging.FINE_LABELS.index(label) for label in LABELS}
            for split in ("train", "test"):
                (folder / split).mkdir()
                _save_split(folder / "cifar-100-python" / split, wanted, folder / split, save)
            paths = [path for split in ("train", "test") for path in (folder / split).iterdir()]
            with (
                _seconds(figures, "upload_seconds"),
                create_transfer_manager(client, TransferConfig(max_concurrency=10)) as manager,
            ):
                sent = [
                    manager.upload(str(path), environment.bucket, f"course/{path.relative_to(folder)}")
                    for path in paths
                ]
                for future in sent:
                    future.result()
        return figures | {"images": len(paths), "saves_with": saves_with}


def _save_split(batch: Path, wanted: set[int], folder: Path, save: Callable[[Path, Any], None]) -> None:
    content = pickle.loads(batch.read_bytes(), encoding="bytes")  # noqa: S301  as the course does
    for name, label, row in zip(content[b"filenames"], content[b"fine_labels"], content[b"data"], strict=True):
        if label in wanted:
            save(folder / name.decode(), np.dstack((row[:1024], row[1024:2048], row[2048:])).reshape(32, 32, 3))


def _saving() -> tuple[Callable[[Path, Any], None], str]:
    """What saves an image, and its name: without matplotlib, which the course uses, Pillow, which takes less time."""
    try:
        return import_module("matplotlib.pyplot").imsave, "matplotlib"
    except ImportError:
        return lambda path, pixels: Image.fromarray(pixels).save(path), "Pillow"


@contextmanager
def _seconds(figures: dict[str, Any], name: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    figures[name] = round(time.perf_counter() - begin, 3)


@contextmanager
def _peak() -> Iterator[dict[str, float]]:
    """How far the memory of this process and of those that it starts rises above what it was, in MB."""
    process, ended, peak = psutil.Process(), threading.Event(), [0]
    before = process.memory_info().rss

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            peak[0] = max(peak[0], _resident(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    figures: dict[str, float] = {}
    try:
        yield figures
    finally:
        ended.set()
        watcher.join()
    figures["peak_mb"] = round((peak[0] - before) / 1e6, 1)


def _resident(process: psutil.Process) -> int:
    resident = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            resident += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return resident


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return round(float(median(run[name] for run in runs)), 3)
