"""Staging end to end on the embedded AWS: whole, or not at all."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from backend import cleanup, staging
from backend.aws.environment import Environment
from backend.errors import (
    AwsRequestError,
    DatasetDamaged,
    ImageMissing,
    InvalidArchive,
    InvalidImage,
    InvalidLabels,
    NotFound,
)
from backend.foundation import deploy_foundation
from backend.progress import no_progress
from backend.staging.cifar import read_archive
from backend.staging.load import Made, load_dataset
from backend.staging.transfer import Transfer
from tests.backend.staging.archives import MakeArchive, batch
from tests.projects import of_project

StagedKeys = Callable[[], list[str]]
SAMPLE = staging.OfflineSample(train_per_class=12, test_per_class=4)
NAME_OF = {8: "bicycle", 48: "motorcycle"}  # in the archive's own list
OTHER_SAMPLE = staging.OfflineSample(train_per_class=5, test_per_class=2)


def body(environment: Environment, key: str) -> bytes:
    return environment.s3.get_object(Bucket=environment.bucket, Key=key)["Body"].read()


@pytest.mark.slow  # 1,200 images; the archives of the other tests have some
def test_the_real_archive_is_staged_whole(bucket: Environment, real_archive: Path, staged_keys: StagedKeys) -> None:
    dataset = staging.stage_dataset(bucket, staging.LocalArchive(real_archive), other=None)
    assert dataset.counts == {
        "train": {"bicycle": 425, "motorcycle": 425},
        "validation": {"bicycle": 75, "motorcycle": 75},
        "test": {"bicycle": 100, "motorcycle": 100},
    }
    assert (dataset.size("train"), dataset.size("validation"), dataset.size("test")) == (850, 150, 200)
    assert len(staged_keys()) == 1200 + 3 + 3 + 1  # images, manifests, what was found and what is there, pointer
    assert not dataset.synthetic
    images = staging.list_images(bucket, dataset, "test")
    original = read_archive(real_archive)["test"]
    assert [image.label for image in images] == [NAME_OF[label] for label in original.fine_labels.tolist()]
    with Image.open(io.BytesIO(staging.read_image(bucket, images[150].key))) as picture:
        assert np.array_equal(np.asarray(picture), original.images[150])


@pytest.fixture(scope="module")
def kept(environment: Environment) -> Iterator[tuple[Environment, staging.Dataset]]:
    """A project whose bucket has a drawn dataset, for all tests that read it."""
    project = of_project(environment, "scones-staged")
    deploy_foundation(project)
    yield project, staging.stage_dataset(project, SAMPLE, ("motorcycle", "bicycle"), other=None)
    cleanup.delete_resources(project, cleanup.list_resources(project))


def test_a_staged_dataset_is_described_as_it_was_returned(bucket: Environment) -> None:
    dataset = staging.stage_dataset(bucket, SAMPLE)
    assert staging.describe_dataset(bucket) == dataset
    assert staging.describe_dataset(bucket, dataset.dataset_id) == dataset


def test_the_description_says_that_drawn_images_are_synthetic(kept: tuple[Environment, staging.Dataset]) -> None:
    project, dataset = kept
    described = json.loads(body(project, f"datasets/{dataset.dataset_id}/dataset.json"))
    assert described["synthetic"] is True
    assert described["labels"] == ["motorcycle", "bicycle"]
    assert described["counts"]["test"] == {"bicycle": 4, "motorcycle": 4}


def test_a_manifest_is_what_the_algorithm_reads(kept: tuple[Environment, staging.Dataset]) -> None:
    project, dataset = kept
    root = f"s3://{project.bucket}/"
    lines = body(project, dataset.channels()["train_lst"].removeprefix(root)).decode().splitlines()
    rows = [line.split("\t") for line in lines]
    assert [int(index) for index, _, _ in rows] == list(range(20))
    assert sorted(label_index for _, label_index, _ in rows) == ["0"] * 10 + ["1"] * 10
    channel = dataset.channels()["train"].removeprefix(root)
    listed = project.s3.list_objects_v2(Bucket=project.bucket, Prefix=channel)["Contents"]
    assert {channel + path for _, _, path in rows} <= {item["Key"] for item in listed}
    assert all(path.startswith(dataset.labels[int(label_index)]) for _, label_index, path in rows)


def test_more_than_two_labels_can_be_staged(bucket: Environment) -> None:
    labels = ("tractor", "bicycle", "bus")
    dataset = staging.stage_dataset(bucket, OTHER_SAMPLE, labels, other=None)
    assert dataset.counts["train"] == {"bicycle": 4, "bus": 4, "tractor": 4}
    for image in staging.list_images(bucket, dataset, "test"):
        assert image.name.startswith(labels[image.label_index])


def test_staging_the_same_again_uploads_nothing(bucket: Environment, staged_keys: StagedKeys) -> None:
    first = staging.stage_dataset(bucket, SAMPLE)
    before = staged_keys()
    messages: list[str] = []
    second = staging.stage_dataset(bucket, SAMPLE, progress=lambda _fraction, message: messages.append(message))
    assert second == first
    assert staged_keys() == before
    assert not any("Uploaded" in message for message in messages)


def test_the_dataset_staged_last_is_the_current_one(bucket: Environment) -> None:
    first = staging.stage_dataset(bucket, SAMPLE)
    second = staging.stage_dataset(bucket, OTHER_SAMPLE)
    assert staging.describe_dataset(bucket) == second
    staging.stage_dataset(bucket, SAMPLE)
    assert staging.describe_dataset(bucket) == first


def test_a_dataset_that_lost_an_image_is_mended(bucket: Environment, staged_keys: StagedKeys) -> None:
    dataset = staging.stage_dataset(bucket, SAMPLE)
    before = staged_keys()
    bucket.s3.delete_object(Bucket=bucket.bucket, Key=before[3])
    assert staging.stage_dataset(bucket, SAMPLE).dataset_id == dataset.dataset_id
    assert staged_keys() == before


def test_dataset_ids_sort_by_time(kept: tuple[Environment, staging.Dataset]) -> None:
    _, dataset = kept
    assert dataset.dataset_id.startswith(f"{dataset.staged_at:%Y%m%d-%H%M}")


class Cancelled(Exception):
    """What the app raises out of progress when a person cancels."""


@pytest.mark.parametrize("point", [0.2, 0.6, 0.9, 1.0])
def test_a_cancelled_staging_leaves_nothing(bucket: Environment, staged_keys: StagedKeys, point: float) -> None:
    def cancel(fraction: float, _message: str) -> None:
        if fraction >= point:
            raise Cancelled

    with pytest.raises(Cancelled):
        staging.stage_dataset(bucket, SAMPLE, progress=cancel)
    assert staged_keys() == []
    assert staging.describe_dataset(bucket) is None


def test_a_failure_half_way_leaves_the_dataset_before_as_it_was(
    bucket: Environment, staged_keys: StagedKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = staging.stage_dataset(bucket, SAMPLE)
    before = staged_keys()

    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "CopyObject")

    monkeypatch.setattr(Transfer, "copy", refuse)  # of the images that both have
    with pytest.raises(AwsRequestError, match=r"Access Denied.*permission"):
        staging.stage_dataset(bucket, OTHER_SAMPLE)
    assert staged_keys() == before
    assert staging.describe_dataset(bucket) == dataset


def test_progress_never_falls_and_ends_at_one(bucket: Environment) -> None:
    fractions: list[float] = []
    not_drawn_yet = staging.OfflineSample(train_per_class=3, test_per_class=1)
    staging.stage_dataset(bucket, not_drawn_yet, progress=lambda fraction, _message: fractions.append(fraction))
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_labels_that_the_source_has_not_are_refused_before_any_work(bucket: Environment) -> None:
    with pytest.raises(InvalidLabels, match=r"no label 'whale'. It offers bicycle, motorcycle"):
        staging.stage_dataset(bucket, SAMPLE, ("bicycle", "whale"))


def test_labels_that_an_archive_has_no_images_of_are_named(
    bucket: Environment, make_archive: MakeArchive, small_cifar: dict[str, bytes], staged_keys: StagedKeys
) -> None:
    with pytest.raises(InvalidArchive, match="no images of apple"):
        staging.stage_dataset(bucket, staging.LocalArchive(make_archive(small_cifar)), ("bicycle", "apple"))
    assert staged_keys() == []


@pytest.fixture
def no_bucket(environment: Environment) -> Environment:
    """The environment of a project that nothing was deployed for."""
    return of_project(environment, "scones-bare")


def test_without_a_bucket_the_foundation_is_asked_for(no_bucket: Environment) -> None:
    with pytest.raises(NotFound, match=r"Bucket scones-bare-.* does not exist. Deploy the foundation stack"):
        load_dataset(no_bucket, Made("drawn", True, ("bicycle", "motorcycle"), {"train": [], "test": []}), no_progress)


def test_without_a_bucket_nothing_is_staged(no_bucket: Environment) -> None:
    assert staging.describe_dataset(no_bucket) is None


def test_a_dataset_that_never_was_is_none(bucket: Environment) -> None:
    assert staging.describe_dataset(bucket, "20200101-000000-abcdef") is None


def test_a_damaged_description_is_named(bucket: Environment) -> None:
    bucket.s3.put_object(Bucket=bucket.bucket, Key="datasets/current.json", Body=b"{")
    with pytest.raises(DatasetDamaged, match="Stage the images again"):
        staging.describe_dataset(bucket)


@pytest.mark.parametrize("manifest", [b"0\t0\n", b"0\t7\ta.png\n", b"0\tx\ta.png\n", b"\xff\n"])
def test_a_damaged_manifest_is_named(kept: tuple[Environment, staging.Dataset], manifest: bytes) -> None:
    project, dataset = kept
    key = f"datasets/{dataset.dataset_id}/test.lst"
    before = body(project, key)
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=manifest)
    with pytest.raises(DatasetDamaged, match=r"test.lst is missing or damaged"):
        staging.list_images(project, dataset, "test")
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=before)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_bytes_that_are_no_image_are_refused(bucket: Environment, content: bytes) -> None:
    bucket.s3.put_object(Bucket=bucket.bucket, Key="datasets/odd.png", Body=content)
    with pytest.raises(InvalidImage, match=r"datasets/odd.png is not a PNG or JPEG image"):
        staging.read_image(bucket, "datasets/odd.png")


def test_an_image_too_large_for_an_endpoint_is_refused(bucket: Environment) -> None:
    bucket.s3.put_object(Bucket=bucket.bucket, Key="datasets/large.png", Body=bytes((6 << 20) + 1))
    with pytest.raises(InvalidImage, match="larger than 6 MB"):
        staging.read_image(bucket, "datasets/large.png")


def test_an_image_that_is_gone_is_named(bucket: Environment) -> None:
    with pytest.raises(ImageMissing, match=r"datasets/gone.png is no longer in the bucket"):
        staging.read_image(bucket, "datasets/gone.png")


@pytest.fixture
def ten_classes(make_archive: MakeArchive, small_cifar: dict[str, bytes]) -> staging.LocalArchive:
    """Ten images of each of the first ten classes, bicycle among them, in each batch."""
    fine_labels = [label for label in range(10) for _ in range(10)]
    images = np.random.default_rng(4).integers(0, 256, (2, 100, 3072), dtype=np.uint8)
    batches = {
        f"cifar-100-python/{name}": pickle.dumps(
            batch(0, filenames=[b"image.png"] * 100, fine_labels=fine_labels, data=data), protocol=4
        )
        for name, data in zip(("train", "test"), images, strict=True)
    }
    return staging.LocalArchive(make_archive(small_cifar | batches))


def test_foreign_images_are_labelled_other_and_no_channel_reads_them(
    bucket: Environment, ten_classes: staging.LocalArchive
) -> None:
    dataset = staging.stage_dataset(bucket, ten_classes, ("bicycle", "apple"))
    assert (dataset.labels, dataset.known_labels) == (("bicycle", "apple", "other"), ("bicycle", "apple"))
    assert dataset.splits == ("train", "validation", "test", "foreign")
    assert dataset.other is not None
    [kept_out] = dataset.other.held_out  # of eight classes
    foreign = staging.list_images(bucket, dataset, "foreign")
    assert {(image.label, image.label_index, image.drawn_from) for image in foreign} == {("other", 2, kept_out)}
    assert {image.key for image in foreign} == {f"{dataset.prefix}foreign/{image.name}" for image in foreign}
    assert dataset.counts["foreign"] == {"other": 10}
    assert not any("foreign" in uri or "/test" in uri for uri in dataset.channels().values())
    staged = staging.list_images(bucket, dataset, "train") + staging.list_images(bucket, dataset, "validation")
    assert kept_out not in {image.drawn_from for image in staged}
    assert {image.drawn_from for image in staged if image.label == "bicycle"} == {None}


def test_the_channels_validate_on_the_validation_split(
    bucket: Environment, ten_classes: staging.LocalArchive, staged_keys: StagedKeys
) -> None:
    dataset = staging.stage_dataset(bucket, ten_classes, ("bicycle", "apple"))
    root = f"s3://{bucket.bucket}/"
    channels = {name: uri.removeprefix(root) for name, uri in dataset.channels().items()}
    assert channels["validation"] == f"{dataset.prefix}validation/"
    names = [line.split("\t")[2] for line in body(bucket, channels["validation_lst"]).decode().splitlines()]
    assert {channels["validation"] + name for name in names} <= set(staged_keys())
    assert len(names) == dataset.size("validation") == 2 + 2 + 3


def test_staging_with_other_and_without_are_two_datasets(
    bucket: Environment, ten_classes: staging.LocalArchive
) -> None:
    without = staging.stage_dataset(bucket, ten_classes, ("bicycle", "apple"), other=None)
    with_other = staging.stage_dataset(bucket, ten_classes, ("bicycle", "apple"))
    assert without.labels == ("bicycle", "apple")
    assert not without.has_other
    assert without.dataset_id != with_other.dataset_id
    assert staging.stage_dataset(bucket, ten_classes, ("bicycle", "apple")) == with_other


def test_an_archive_of_no_other_classes_says_what_it_means(
    bucket: Environment, make_archive: MakeArchive, small_cifar: dict[str, bytes]
) -> None:
    said: list[str] = []
    archive = staging.LocalArchive(make_archive(small_cifar))
    dataset = staging.stage_dataset(bucket, archive, progress=lambda _, message: said.append(message))
    assert not dataset.has_other
    assert any("no images of other classes" in message and "half of all foreign images" in message for message in said)
    assert "half of all foreign images" in staging.describe_other(dataset)


def test_the_offline_sample_has_vehicles_things_and_pictures_of_nothing_as_other(bucket: Environment) -> None:
    dataset = staging.stage_dataset(bucket, staging.OfflineSample(20, 10))
    drawn = Counter(image.drawn_from for image in staging.list_images(bucket, dataset, "test"))
    # 10 of each known class, and 15 of the others: 15 % of nothing, the rest evenly of eight of the ten others
    assert (drawn.pop(None), drawn.pop("blank")) == (20, 2)
    vehicles, things = (
        {"bus", "pickup_truck", "streetcar", "tractor"},
        {"apple", "chair", "clock", "cup", "house", "oak_tree"},
    )
    assert dataset.other is not None
    assert set(drawn) == (vehicles | things) - set(dataset.other.held_out)
    assert (len(drawn), sum(drawn.values()), max(drawn.values())) == (8, 13, 2)
    assert dataset.counts["train"] == {"bicycle": 17, "motorcycle": 17, "other": 26}


def test_material_is_part_of_other_and_jpegs_are_warned_of(
    bucket: Environment, ten_classes: staging.LocalArchive, tmp_path: Path
) -> None:
    yard = tmp_path / "yard"
    yard.mkdir()
    for number in range(6):
        Image.new("RGB", (50, 40), (40 * number, 0, 0)).save(yard / f"{number}.{'png' if number % 2 else 'jpg'}")
    other = staging.OtherOptions(material=yard)
    dataset = staging.stage_dataset(bucket, ten_classes, ("bicycle", "apple"), other=other)
    assert dataset.other is not None
    assert (dataset.other.material, dataset.other.material_left_out) == ("yard", 0)
    images = [image for split in dataset.splits for image in staging.list_images(bucket, dataset, split)]
    taken = [image for image in images if image.drawn_from == "material"]
    assert len(taken) == dataset.other.material_images > 0
    warning = staging.codec_warning(dataset)
    assert warning is not None
    assert warning.startswith(f"{dataset.other.material_jpegs} images of class other were stored as JPEG")
    with Image.open(io.BytesIO(staging.read_image(bucket, taken[0].key))) as picture:
        assert (picture.format, picture.size) == ("PNG", (32, 32))


def test_png_material_is_not_warned_of(bucket: Environment, ten_classes: staging.LocalArchive, tmp_path: Path) -> None:
    Image.new("RGB", (50, 40)).save(tmp_path / "yard.png")
    for number in range(9):
        Image.new("RGB", (50, 40), (number, 0, 0)).save(tmp_path / f"yard-{number}.png")
    dataset = staging.stage_dataset(
        bucket, ten_classes, ("bicycle", "apple"), other=staging.OtherOptions(material=tmp_path)
    )
    assert dataset.other is not None
    assert dataset.other.material_images > 0
    assert staging.codec_warning(dataset) is None


def test_an_upload_with_material_leaves_no_file(
    bucket: Environment, ten_classes: staging.LocalArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    picture = io.BytesIO()
    Image.new("RGB", (50, 40)).save(picture, "PNG")
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for number in range(9):
            member = tarfile.TarInfo(f"{number}.png")
            member.size = len(picture.getvalue())
            archive.addfile(member, io.BytesIO(picture.getvalue()))
    dataset = staging.stage_upload(
        bucket,
        staging.Upload("../cifar.tar.gz", io.BytesIO(ten_classes.path.read_bytes())),
        ("bicycle", "apple"),
        other=staging.OtherOptions(),
        material=staging.Upload("yard.tar", tar),
    )
    assert dataset.source == "CIFAR-100, from the archive cifar.tar.gz"
    assert dataset.other is not None
    assert dataset.other.material == "yard.tar"
    assert list(temporary.iterdir()) == []
