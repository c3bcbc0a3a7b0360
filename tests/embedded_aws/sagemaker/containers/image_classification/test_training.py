"""Training under SageMaker's container contract."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from embedded_aws.sagemaker.containers.image_classification import METRIC_DEFINITIONS, artifact
from embedded_aws.sagemaker.containers.image_classification.hyperparameters import parse
from embedded_aws.sagemaker.containers.image_classification.training import EarlyStopping, Split, Trainer, duration
from tests.bombs.pictures import BOMBS

from .conftest import MODULE, ROOT, Job, write_images


def test_a_job_learns_to_tell_its_classes_apart(trained: Job) -> None:
    assert share_told_right(trained) == 1


def test_a_model_is_its_weights_and_their_shapes(trained: Job) -> None:
    assert {path.name for path in (trained.base / "model").iterdir()} == {
        "image-classification.pt",
        "model-shapes.json",
    }


def test_the_log_has_the_built_ins_lines_and_metrics(job: Job) -> None:
    output = job.train().output
    stamp = r"^\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] "
    for line in (
        r"Train-accuracy=0\.\d{6}$|Train-accuracy=1\.0{6}$",
        r"Time cost=\d+\.\d{3}$",
        r"Validation-accuracy=",
    ):
        assert re.search(rf"{stamp}Epoch\[0\] ({line})", output, re.MULTILINE), line
    for pattern in METRIC_DEFINITIONS.values():
        assert re.search(pattern, output)
    assert "takes about" not in output  # it is short


def test_the_same_seed_gives_the_same_model(job: Job) -> None:
    job.set(augmentation_type="crop_color_transform")
    first, again, other = (weights(job, seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def weights(job: Job, seed: int) -> torch.Tensor:
    """All numbers of the model that a job trains."""
    assert job.train(seed=seed).returncode == 0
    return torch.cat([value.flatten().float() for value in artifact.load(job.base / "model").state_dict().values()])


@pytest.mark.parametrize(
    "chosen",
    [
        {"optimizer": "adam", "learning_rate": "0.001"},
        {"optimizer": "rmsprop", "learning_rate": "0.001"},
        {"optimizer": "nag", "augmentation_type": "crop_color_transform"},
        {"use_weighted_loss": "1", "top_k": "2"},
        {"num_layers": "18"},
        {"image_shape": "3,64,64", "resize": "64", "num_layers": "18"},
        {"mini_batch_size": "15"},
    ],
)
def test_other_choices_train_too(job: Job, chosen: dict[str, str]) -> None:
    job.set(**chosen)
    completed = job.train()
    assert completed.returncode == 0, completed.output


@pytest.mark.parametrize("weighted", ["0", "1"])
def test_a_third_class_trains_when_validation_has_few_images_and_none_of_it(job: Job, weighted: str) -> None:
    third = [(job.channel("train") / f"blank{number}.png", number) for number in range(3)]
    for path, _ in third:
        Image.new("RGB", (32, 32), "white").save(path)
    listed = [f"{16 + number}\t2\t{path.name}\n" for path, number in third]
    rewrite(job, (job.channel("train_lst") / "train.lst").read_text() + "".join(listed))
    validation = job.channel("validation_lst") / "validation.lst"
    validation.write_text(validation.read_text().splitlines(keepends=True)[0])
    job.set(num_classes="3", num_training_samples="19", epochs="2", use_weighted_loss=weighted)
    completed = job.train()
    assert completed.returncode == 0, completed.output
    assert (
        "Validation-accuracy=1.0" in completed.output or "Validation-accuracy=0.0" in completed.output
    )  # of one image
    assert artifact.load(job.base / "model").head.out_features == 3


def test_early_stopping_ends_a_job_that_does_not_improve(job: Job) -> None:
    job.set(
        epochs="50",
        learning_rate="0",
        early_stopping="1",
        early_stopping_min_epochs="2",
        early_stopping_patience="2",
        early_stopping_tolerance="1",
    )
    assert "Early stopping at epoch" in job.train().output


def test_the_model_with_the_best_validation_accuracy_is_kept(job: Job) -> None:
    job.set(epochs="6", learning_rate="0.05")
    output = job.train().output
    validated = [float(value) for value in re.findall(r"Validation-accuracy=([\d.]+)", output)]
    stored = [
        float(value) for value in re.findall(r"Storing the best model with validation accuracy: ([\d.]+)", output)
    ]
    records = [value for epoch, value in enumerate(validated) if value >= max(validated[:epoch], default=-1)]
    assert stored == records
    assert share_told_right(job) == pytest.approx(max(validated))


def share_told_right(job: Job) -> float:
    """The stored model's accuracy on the validation channel's eight images of 32 x 32 pixels."""
    model = artifact.load(job.base / "model")
    folder = job.channel("validation")
    pixels = np.stack([np.asarray(Image.open(folder / f"{index}.png")) for index in range(8)])
    centre = torch.from_numpy(pixels[:, 2:30, 2:30].transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        predicted = model(centre).argmax(1).tolist()
    return float(np.mean([label == index % 2 for index, label in enumerate(predicted)]))


# With an improvement of a tenth over 0.5 at the second epoch, and none after it.
@pytest.mark.parametrize(("tolerance", "ends_at"), [("0.05", 3), ("0.15", 2)])
def test_the_tolerance_of_early_stopping_is_relative(tolerance: str, ends_at: int) -> None:
    chosen = {"early_stopping": "True", "early_stopping_min_epochs": "1", "early_stopping_patience": "2"}
    required = {"num_classes": "2", "num_training_samples": "16"}
    patience = EarlyStopping(parse({**required, **chosen, "early_stopping_tolerance": tolerance}))
    ended = [patience.is_over(epoch, accuracy) for epoch, accuracy in enumerate([0.5, 0.55, 0.55, 0.55])]
    assert ended.index(True) == ends_at


def test_a_job_that_is_told_to_stop_keeps_its_model(job: Job) -> None:
    job.set(epochs="100000")
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, "train"],
        cwd=ROOT,
        env=os.environ | {"SAGEMAKER_BASE_DIR": str(job.base)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    next(line for line in process.stdout if "Validation-accuracy" in line)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert (job.base / "model" / "image-classification.pt").exists()


def rewrite(job: Job, lines: str, encoding: str = "utf-8") -> None:
    (job.channel("train_lst") / "train.lst").write_text(lines, encoding)


def encode(job: Job, encoding: str) -> None:
    rewrite(job, (job.channel("train_lst") / "train.lst").read_text(), encoding)


def seed_with(job: Job, archive: bytes) -> None:
    (job.channel("model") / "model.tar.gz").write_bytes(archive)


def break_image(job: Job) -> None:
    (job.channel("train") / "3.png").write_bytes(b"no image")


def put_bomb(job: Job) -> None:
    (job.channel("train") / "3.png").write_bytes(BOMBS["1 x 400,000"]())


def remove_image(job: Job) -> None:
    (job.channel("train") / "3.png").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (remove_image, "train.lst line 4: image 3.png is missing"),
        (break_image, "train.lst line 4: image 3.png cannot be read"),
        (put_bomb, "train.lst line 4: image 3.png cannot be read: it has 1 x 400,000 pixels"),
        (lambda job: rewrite(job, "0\t0\t0.png\n1,1,1.png\n"), "train.lst line 2: expected index, label and path"),
        (lambda job: rewrite(job, "0\t2\t0.png\n"), "train.lst line 1: label 2 is not a class from 0 to 1"),
        (lambda job: rewrite(job, "0\tbike\t0.png\n"), "train.lst line 1: label 'bike' is not a number"),
        (lambda job: rewrite(job, "0\t0\t../../config/x.png\n"), "leads out of the channel"),
        (lambda job: rewrite(job, ""), "names no images"),
        (lambda job: write_images(job, "train", 16, size=20), "smaller than image_shape"),
        (lambda job: encode(job, "utf-16"), "train.lst line 1 is not in UTF-8"),
        (lambda job: encode(job, "utf-16-le"), "train.lst line 1 holds a NUL character"),
        (lambda job: rewrite(job, "0\t0\t0.png\n1\t1\tvélo.png\n", "latin-1"), "train.lst line 2 is not in UTF-8"),
        (lambda job: rewrite(job, "0\t0\t0.png\n1\t1\t1\0.png\n"), "train.lst line 2 holds a NUL character"),
        (lambda job: job.set(num_layers="21"), "num_layers"),
        (lambda job: job.set(mini_batch_size="1", image_shape="3,4,4"), "mini_batch_size=1 teaches nothing"),
        (lambda job: seed_with(job, b"no archive"), "Channel model: model.tar.gz is not a gzipped tar archive"),
        (lambda job: job.channel("model"), "Channel model holds 0 files named .tar.gz"),
    ],
)
def test_what_cannot_be_used_fails_the_job_and_is_located(job: Job, spoil: Callable[[Job], None], reason: str) -> None:
    spoil(job)
    assert job.train().returncode == 1
    assert job.failure.startswith("ClientError: ")
    assert reason in job.failure


def test_a_manifest_may_begin_with_a_byte_order_mark_and_name_what_unicode_has(job: Job) -> None:
    names = {"0.png": "v\u00e9lo.png", "1.png": "line\u2028separator.png"}
    for old, new in names.items():
        (job.channel("train") / old).rename(job.channel("train") / new)
    lines = (job.channel("train_lst") / "train.lst").read_text()
    for old, new in names.items():
        lines = lines.replace(f"\t{old}", f"\t{new}")
    rewrite(job, lines, "utf-8-sig")
    completed = job.train()
    assert completed.returncode == 0, completed.output


@pytest.mark.parametrize(("images", "size", "steps"), [(16, 1, 16), (16, 15, 2), (1, 32, 1)])
def test_every_batch_is_a_step_however_few_images_it_has(job: Job, images: int, size: int, steps: int) -> None:
    lines = (job.channel("train_lst") / "train.lst").read_text().splitlines(keepends=True)
    rewrite(job, "".join(lines[:images]))
    job.set(mini_batch_size=str(size))
    completed = job.train()
    assert completed.returncode == 0, completed.output
    assert int(artifact.load(job.base / "model").state_dict()["body.0.1.num_batches_tracked"]) == steps


def test_a_single_last_image_is_joined_by_the_first_ones() -> None:
    chosen = parse({"num_classes": "2", "num_training_samples": "7", "num_layers": "20", "image_shape": "3,8,8"})
    split = Split(torch.zeros(7, 3, 8, 8, dtype=torch.uint8), torch.zeros(7, dtype=torch.int64))
    trainer = Trainer(chosen.model_copy(update={"mini_batch_size": 3}), split, split, logging.getLogger("test"))
    first, second, last = trainer.batches_of_an_epoch()
    assert sorted([*first.tolist(), *second.tolist(), last[0].item()]) == list(range(7))
    assert last[1:].tolist() == first[:2].tolist()


def test_training_goes_on_with_the_model_of_the_model_channel(job: Job, trained: Job) -> None:
    seed_with(job, packed(trained.base / "model"))
    job.set(learning_rate="0", mini_batch_size="16")
    completed = job.train()
    assert completed.returncode == 0, completed.output
    assert "Training goes on with the model in channel model." in completed.output
    head, seed = (artifact.load(each.base / "model").head.weight for each in (job, trained))
    assert torch.equal(head, seed)  # at a learning rate of 0 it stays as it was


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        ({"num_layers": "32"}, "num_layers 20, and the job 32"),
        ({"num_classes": "3"}, "num_classes 2, and the job 3"),
        ({"image_shape": "3,24,24"}, "image_shape 28,28, and the job 24,24"),
    ],
)
def test_incremental_training_needs_the_same_network(
    job: Job, trained: Job, other: dict[str, str], difference: str
) -> None:
    seed_with(job, packed(trained.base / "model"))
    job.set(**other)
    assert job.train().returncode == 1
    assert job.failure.startswith("ClientError: The model in channel model has ")
    assert difference in job.failure


def packed(folder: Path) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(folder, arcname=".")
    return file.getvalue()


def test_a_training_that_takes_long_says_so_after_its_first_batch(job: Job) -> None:
    job.set(epochs="1000000")  # two batches each: a day even at 43 ms a batch
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, "train"],
        cwd=ROOT,
        env=os.environ | {"SAGEMAKER_BASE_DIR": str(job.base)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = iter(process.stdout)
    said = next(line for line in lines if "takes about" in line or "Epoch[" in line)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    found = re.search(
        r"takes about (\d+) (hours|days) on this machine, by its first batch: [\d.]+ s, one of 2000000", said
    )
    assert found, said
    assert "Fewer num_layers" in said


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(600, "10 minutes"), (3 * 3600, "3 hours"), (30 * 3600 + 1000, "30 hours"), (10 * 86_400, "10 days")],
)
def test_a_duration_is_in_the_unit_that_a_person_would_use(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_what_is_not_honoured_is_in_the_log(job: Job) -> None:
    job.set(use_pretrained_model="1")
    job.channel("test")
    output = job.train().output
    assert "use_pretrained_model=1 is not honoured" in output
    assert "Channel test is not read" in output


def test_a_seed_that_is_no_number_is_refused(job: Job) -> None:
    assert job.train(seed="often").returncode == 1
    assert "SEED" in job.failure


def test_a_missing_channel_is_named(job: Job) -> None:
    (job.base / "input" / "data" / "validation_lst").rename(job.base / "elsewhere")
    assert job.train().returncode == 1
    assert "Channel validation_lst is missing" in job.failure


def test_the_model_says_what_it_is(trained: Job) -> None:
    content = json.loads((trained.base / "model" / "model-shapes.json").read_text())
    assert (content["num_layers"], content["num_classes"], content["image_shape"]) == (20, 2, [28, 28])
