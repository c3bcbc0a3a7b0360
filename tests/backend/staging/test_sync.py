"""Staging again: only what changed goes up, what is no part goes, and a dataset in use stays whole."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.store import S3Store

from backend import staging
from backend.aws.environment import Environment
from backend.errors import InvalidArchive
from backend.progress import no_progress
from backend.staging.transfer import Transfer
from tests.backend.staging.archives import MakeArchive, batch

StagedKeys = Callable[[], list[str]]
SAMPLE = staging.OfflineSample(train_per_class=12, test_per_class=4)


@dataclass
class Sent:
    """The images that went up, and those that were copied within the bucket, by their names."""

    uploaded: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """What is sent from here on, which arrives as ever."""
    sent, put, copy = Sent(), Transfer.put, Transfer.copy

    def note_put(transfer: Transfer, key: str, *rest: Any) -> str:
        sent.uploaded += [key.rpartition("/")[2]] if key.endswith(".png") else []
        return put(transfer, key, *rest)

    def note_copy(transfer: Transfer, source: str, key: str) -> None:
        sent.copied += [key.rpartition("/")[2]] if key.endswith(".png") else []
        copy(transfer, source, key)

    monkeypatch.setattr(Transfer, "put", note_put)
    monkeypatch.setattr(Transfer, "copy", note_copy)
    return sent


def stage(bucket: Environment, *labels: str, progress: Any = no_progress) -> staging.Dataset:
    return staging.stage_dataset(bucket, SAMPLE, labels or ("bicycle", "motorcycle"), progress, other=None)


def contents(bucket: Environment, keys: list[str]) -> dict[str, bytes]:
    return {key: bucket.s3.get_object(Bucket=bucket.bucket, Key=key)["Body"].read() for key in keys}


def test_of_a_changed_dataset_only_what_changed_goes_up(
    bucket: Environment, staged_keys: StagedKeys, sent: Sent
) -> None:
    before = stage(bucket)
    old = contents(bucket, staged_keys())
    sent.uploaded.clear()
    said: list[str] = []
    after = stage(bucket, "bicycle", "bus", progress=lambda _, message: said.append(message))
    assert len(sent.uploaded) == len(sent.copied) == 12 + 4
    assert {name.split("_")[0] for name in sent.uploaded} == {"bus"}
    assert {name.split("_")[0] for name in sent.copied} == {"bicycle"}
    assert any(message.endswith("Copied 16 that the dataset before has too.") for message in said)
    now = contents(bucket, staged_keys())
    for split in after.splits:
        names = [image.name for image in staging.list_images(bucket, after, split) if image.label == "bicycle"]
        assert names
        assert all(now[after.image_key(split, name)] == old[before.image_key(split, name)] for name in names)
    assert {key: now[key] for key in old if key.startswith(before.prefix)} == {
        key: content for key, content in old.items() if key.startswith(before.prefix)
    }


def test_an_image_that_was_replaced_is_mended(bucket: Environment, staged_keys: StagedKeys, sent: Sent) -> None:
    dataset = stage(bucket)
    old = contents(bucket, staged_keys())
    key = dataset.image_key("train", "bicycle_drawn_000003.png")
    bucket.s3.put_object(Bucket=bucket.bucket, Key=key, Body=bytes(len(old[key])))  # of the same size
    sent.uploaded.clear()
    assert stage(bucket) == dataset
    assert contents(bucket, [key]) == {key: old[key]}
    assert sent.uploaded == ["bicycle_drawn_000003.png"]


def test_what_is_no_part_of_the_dataset_is_deleted(bucket: Environment, staged_keys: StagedKeys) -> None:
    dataset = stage(bucket)
    before = staged_keys()
    bucket.s3.put_object(Bucket=bucket.bucket, Key=f"{dataset.prefix}train/stray.png", Body=b"x")
    bucket.s3.put_object(Bucket=bucket.bucket, Key="datasets/notes.txt", Body=b"of somebody")
    stage(bucket)
    assert staged_keys() == sorted([*before, "datasets/notes.txt"])


class Cancelled(Exception):
    """What the app raises out of progress when a person cancels."""


def test_a_mending_that_is_cancelled_leaves_the_dataset_in_use(bucket: Environment, staged_keys: StagedKeys) -> None:
    dataset = stage(bucket)
    before = staged_keys()
    images = [key for key in before if "/train/" in key]
    bucket.s3.delete_object(Bucket=bucket.bucket, Key=images[0])

    def cancel(_fraction: float, message: str) -> None:
        if message.startswith("Uploaded"):
            raise Cancelled

    with pytest.raises(Cancelled):
        stage(bucket, progress=cancel)
    assert set(before) - set(staged_keys()) <= {images[0]}
    assert staging.describe_dataset(bucket) == dataset


def test_what_a_killed_staging_uploaded_is_not_uploaded_again(
    bucket: Environment, staged_keys: StagedKeys, sent: Sent
) -> None:
    dataset = stage(bucket)
    whole = staged_keys()
    lost = dataset.image_key("test", "motorcycle_drawn_000002.png")
    for key in (dataset.description_key, dataset.record_key, "datasets/current.json", lost):
        bucket.s3.delete_object(Bucket=bucket.bucket, Key=key)
    sent.uploaded.clear()
    assert stage(bucket).dataset_id == dataset.dataset_id
    assert sent.uploaded == ["motorcycle_drawn_000002.png"]
    assert staged_keys() == whole


def test_a_damaged_record_is_written_anew(bucket: Environment, sent: Sent) -> None:
    dataset = stage(bucket)
    whole = contents(bucket, [dataset.record_key])
    bucket.s3.put_object(Bucket=bucket.bucket, Key=dataset.record_key, Body=b"{")
    sent.uploaded.clear()
    assert stage(bucket) == dataset
    assert sent.uploaded == []
    assert contents(bucket, [dataset.record_key]) == whole


def test_a_dataset_of_an_earlier_version_gets_what_is_kept_now(bucket: Environment, sent: Sent) -> None:
    dataset = stage(bucket)
    for key in (dataset.record_key, dataset.duplicates_key):
        bucket.s3.delete_object(Bucket=bucket.bucket, Key=key)
    sent.uploaded.clear()
    assert stage(bucket) == dataset
    assert sent.uploaded == []
    assert staging.read_duplicates(bucket, dataset) is not None


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called on, an archive that is read is a failure."""

    def refuse(*_: object) -> None:
        raise InvalidArchive("It was read.")

    return lambda: monkeypatch.setattr("backend.staging.stage.read_source", refuse)


def test_the_same_archive_is_not_even_read_again(
    bucket: Environment, make_archive: MakeArchive, small_cifar: dict[str, bytes], unread: Callable[[], None]
) -> None:
    archive = make_archive(small_cifar)
    dataset = staging.stage_dataset(bucket, staging.LocalArchive(archive))
    other = stage(bucket)
    unread()
    copy = archive.rename(archive.with_name("copy.tar.gz"))
    assert staging.stage_dataset(bucket, staging.LocalArchive(copy)) == dataset
    assert staging.describe_dataset(bucket) == dataset != other


OTHER = staging.OtherOptions()


@pytest.mark.parametrize(
    ("source", "labels", "other"),
    [
        (SAMPLE, ("motorcycle", "bicycle"), OTHER),
        (SAMPLE, ("bicycle", "motorcycle"), None),
        (SAMPLE, ("bicycle", "motorcycle"), replace(OTHER, blank_share=0.5)),
        (replace(SAMPLE, test_per_class=5), ("bicycle", "motorcycle"), OTHER),
    ],
)
def test_another_archive_or_other_options_are_read(
    bucket: Environment,
    unread: Callable[[], None],
    source: staging.Source,
    labels: tuple[str, ...],
    other: staging.OtherOptions | None,
) -> None:
    staging.stage_dataset(bucket, SAMPLE, ("bicycle", "motorcycle"), other=OTHER)
    unread()
    with pytest.raises(InvalidArchive, match="It was read"):
        staging.stage_dataset(bucket, source, labels, other=other)


def test_an_archive_whose_dataset_lost_an_image_is_read(
    bucket: Environment, unread: Callable[[], None], staged_keys: StagedKeys
) -> None:
    stage(bucket)
    bucket.s3.delete_object(Bucket=bucket.bucket, Key=staged_keys()[5])
    unread()
    with pytest.raises(InvalidArchive, match="It was read"):
        stage(bucket)


def test_what_obstore_cannot_reach_goes_through_boto3(bucket: Environment) -> None:
    nowhere = S3Store(
        bucket.bucket,
        region="us-east-1",
        endpoint="http://127.0.0.1:9",
        access_key_id="x",
        secret_access_key="x",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    )
    transfer = Transfer(bucket, nowhere)
    etag = transfer.put("datasets/x/a.png", b"abc", "image/png")
    transfer.copy("datasets/x/a.png", "datasets/x/b.png")
    assert etag == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321 gives this sum of "abc"
    assert transfer.etags("datasets/x/") == {"a.png": etag, "b.png": etag}
    assert bucket.s3.head_object(Bucket=bucket.bucket, Key="datasets/x/a.png")["ContentType"] == "image/png"


def test_obstore_says_the_same_of_the_bucket(bucket: Environment) -> None:
    transfer = Transfer.of(bucket)
    etag = transfer.put("datasets/x/a.png", b"abc", "image/png")
    transfer.copy("datasets/x/a.png", "datasets/x/b.png")
    assert transfer.etags("datasets/x/") == {"a.png": etag, "b.png": etag}
    assert etag == bucket.s3.head_object(Bucket=bucket.bucket, Key="datasets/x/b.png")["ETag"].strip('"')
    assert bucket.s3.head_object(Bucket=bucket.bucket, Key="datasets/x/a.png")["ContentType"] == "image/png"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "yard"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"first")
    return folder


def test_a_recipe_tells_the_files_of_the_material(tmp_path: Path, pictures: Path) -> None:
    archive = tmp_path / "archive.tar"
    archive.write_bytes(b"any")

    def recipe() -> str | None:
        return staging.recipe_of(archive, ("a", "b"), staging.OtherOptions(material=pictures))

    first = recipe()
    assert recipe() == first is not None
    (pictures / "a.png").write_bytes(b"other")
    changed = recipe()
    (pictures / "b.png").write_bytes(b"more")
    assert len({first, changed, recipe()}) == 3


def test_what_cannot_be_read_has_no_recipe(tmp_path: Path) -> None:
    assert staging.recipe_of(tmp_path / "gone.tar", ("a", "b"), None) is None


def test_two_archives_of_the_same_images_are_one_dataset(
    bucket: Environment, make_archive: MakeArchive, small_cifar: dict[str, bytes], unread: Callable[[], None]
) -> None:
    first = staging.stage_dataset(bucket, staging.LocalArchive(make_archive(small_cifar)))
    repacked = staging.LocalArchive(make_archive({**small_cifar, "cifar-100-python/notes": b"packed again"}))
    second = staging.stage_dataset(bucket, repacked)
    assert second.dataset_id == first.dataset_id
    unread()
    assert staging.stage_dataset(bucket, repacked) == second


def test_images_that_are_alike_in_two_splits_are_staged_in_both(
    bucket: Environment, make_archive: MakeArchive, small_cifar: dict[str, bytes]
) -> None:
    """One key to copy from serves both."""
    same = pickle.dumps(batch(seed=1), protocol=4)
    archive = staging.LocalArchive(make_archive({**small_cifar, "cifar-100-python/test": same}))
    staging.stage_dataset(bucket, archive)
    other_way_round = staging.stage_dataset(bucket, archive, ("motorcycle", "bicycle"))
    for split in other_way_round.splits:
        for image in staging.list_images(bucket, other_way_round, split):
            assert staging.read_image(bucket, image.key)
