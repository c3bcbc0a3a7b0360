"""Serving: a real process on a unix socket."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import torch
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from torch import Tensor

from embedded_aws.sagemaker.containers.image_classification import artifact, serving
from embedded_aws.sagemaker.containers.image_classification.augmentation import cut_centre
from embedded_aws.sagemaker.containers.image_classification.container import Container
from embedded_aws.sagemaker.containers.image_classification.network import Architecture
from embedded_aws.sagemaker.containers.image_classification.samples import read_images
from embedded_aws.sagemaker.containers.image_classification.serving import Predictor, create_app, prepare
from tests.bombs.pictures import BOMBS

from .conftest import MODULE, ROOT, Job, write_images

ignore_deprecated_jit = pytest.mark.filterwarnings(  # nothing else is as fast on a CPU
    "ignore:`torch.jit.* is deprecated:DeprecationWarning"
)


@pytest.fixture(scope="module")
def socket(trained: Job) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "serve"
        variables = os.environ | {"SAGEMAKER_BASE_DIR": str(trained.base), "SAGEMAKER_SOCKET": str(path)}
        process = subprocess.Popen([sys.executable, "-m", MODULE, "serve"], cwd=ROOT, env=variables)
        deadline = time.monotonic() + 60
        while not path.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield path
        process.terminate()
        assert process.wait(20) == 0


def png(brightness: int, size: tuple[int, int] = (32, 32), kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", size, (brightness,) * 3).save(content, kind)
    return content.getvalue()


def post(
    socket: Path, *bodies: bytes, content_type: str = "image/png", accept: str = "application/json"
) -> list[tuple[int, str]]:
    """Send all at once; returns status and text of each answer."""

    async def run() -> list[tuple[int, str]]:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session:

            async def one(body: bytes) -> tuple[int, str]:
                headers = {"Content-Type": content_type, "Accept": accept}
                async with session.post("http://model/invocations", data=body, headers=headers) as response:
                    return response.status, await response.text()

            return await asyncio.gather(*(one(body) for body in bodies))

    return asyncio.run(run())


def test_the_probabilities_add_up_to_one(socket: Path) -> None:
    [(status, text)] = post(socket, png(200))
    assert status == 200
    assert sum(json.loads(text)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("size", [(32, 32), (300, 200), (8, 8), (28, 28)])
def test_images_of_any_size_are_classified(socket: Path, kind: str, size: tuple[int, int]) -> None:
    [(status, text)] = post(socket, png(100, size, kind), content_type="application/x-image")
    assert (status, len(json.loads(text))) == (200, 2)


def test_json_lines_are_given_on_demand(socket: Path) -> None:
    [(_, text)] = post(socket, png(100), accept="application/jsonlines")
    assert set(json.loads(text)) == {"prediction"}


def test_a_bad_image_is_refused_and_those_beside_it_are_answered(socket: Path) -> None:
    answers = post(socket, png(10), b"no image", png(200)[:60], png(240))
    assert [status for status, _ in answers] == [200, 400, 400, 200]


def test_another_content_type_is_refused(socket: Path) -> None:
    [(status, text)] = post(socket, b"1,2,3", content_type="text/csv")
    assert status == 415
    assert "text/csv" in text


def test_many_at_once_get_their_own_answers(socket: Path) -> None:
    levels = [60, 165, 180, 195, 210]  # of which each has an answer of its own
    alone = [json.loads(post(socket, png(level))[0][1]) for level in levels]
    assert len({round(answer[0], 4) for answer in alone}) == len(levels)  # which is whose can be told
    together = [json.loads(text) for _, text in post(socket, *(png(level) for level in levels * 6))]
    for position, answer in enumerate(together):
        assert answer == pytest.approx(alone[position % len(levels)], abs=1e-4)


@pytest.mark.parametrize("bomb", ["67 bytes of 1 x 170,000,000", "1 x 400,000", "13,000 x 13,000", "a GIF"])
def test_an_image_bomb_is_refused_in_words(socket: Path, bomb: str) -> None:
    [(status, text), (other, _)] = post(socket, BOMBS[bomb](), png(200))
    assert (status, other) == (400, 200)
    assert "pixels" in text or "neither PNG nor JPEG" in text


@ignore_deprecated_jit
def test_others_are_answered_while_an_image_is_decoded(trained: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    model = artifact.load(trained.base / "model")
    app = create_app(Predictor(model, logging.getLogger("test")), model.architecture)
    is_decoding, may_go_on = threading.Event(), threading.Event()

    def decode_when_told(content: bytes, architecture: Architecture) -> Tensor:
        is_decoding.set()
        assert may_go_on.wait(30)
        return prepare(content, architecture)

    monkeypatch.setattr(serving, "prepare", decode_when_told)

    async def ask() -> tuple[int, int]:
        async with TestClient(TestServer(app)) as client:
            headers = {"Content-Type": "image/png"}
            invocation = asyncio.create_task(client.post("/invocations", data=png(200), headers=headers))
            await asyncio.get_running_loop().run_in_executor(None, is_decoding.wait, 30)
            ping = await client.get("/ping")
            may_go_on.set()
            return ping.status, (await invocation).status

    assert asyncio.run(asyncio.wait_for(ask(), 60)) == (200, 200)


@ignore_deprecated_jit
def test_a_model_whose_weights_are_broken_answers_with_an_error_and_no_probabilities(trained: Job) -> None:
    model = artifact.load(trained.base / "model")
    torch.nn.init.constant_(model.head.weight, math.nan)
    app = create_app(Predictor(model, logging.getLogger("test")), model.architecture)

    async def ask() -> tuple[int, str]:
        async with TestClient(TestServer(app)) as client:
            response = await client.post("/invocations", data=png(200), headers={"Content-Type": "image/png"})
            return response.status, await response.text()

    status, text = asyncio.run(asyncio.wait_for(ask(), 60))
    assert status == 500
    assert "weights are broken" in text


class Spoiling(Predictor):
    """Hands the model an image without its blue wherever one is black: no network takes that."""

    def predict(self, pixels: Tensor) -> Future[list[float]]:
        return super().predict(pixels if pixels.any() else pixels[:2])


@ignore_deprecated_jit
def test_an_exception_in_the_model_is_answered_and_the_next_image_too(trained: Job) -> None:
    model = artifact.load(trained.base / "model")
    app = create_app(Spoiling(model, logging.getLogger("test")), model.architecture)

    async def ask() -> list[int]:
        async with TestClient(TestServer(app)) as client:
            statuses = []
            for brightness in (0, 200, 0, 200):
                headers = {"Content-Type": "image/png"}
                response = await client.post("/invocations", data=png(brightness), headers=headers)
                statuses.append(response.status)
            return statuses

    assert asyncio.run(asyncio.wait_for(ask(), 30)) == [500, 200, 500, 200]


ENDING = """
import logging
import torch
from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier
from embedded_aws.sagemaker.containers.image_classification.serving import Predictor

class Ending(torch.Tensor):
    @classmethod
    def __torch_function__(cls, *arguments):
        raise SystemExit

model = Classifier(Architecture(20, 2, (28, 28), (28, 28))).eval()
Predictor(model, logging.getLogger()).predict(torch.zeros(3, 28, 28).as_subclass(Ending)).result()
"""


def test_a_process_that_can_answer_nothing_any_more_ends() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 1


def test_a_broken_model_is_said_in_the_log(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    variables = os.environ | {"SAGEMAKER_BASE_DIR": str(tmp_path), "SAGEMAKER_SOCKET": str(tmp_path / "s")}
    command = [sys.executable, "-m", MODULE, "serve"]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        "The model does not load: model.tar.gz has no image-classification.pt and no model-shapes.json at its top "
        "level: it holds nothing. Take the model.tar.gz of a training job that ran here, as it is."
    ) in done.stdout


# The files and their content are those of the built-in's own model.tar.gz.
MXNET = {
    "image-classification-0030.params": b"\x12\x01",
    "image-classification-symbol.json": b"{}",
    "model-shapes.json": b'[{"shape": [1, 3, 28, 28], "name": "data"}]',
}
SHAPES = "model-shapes.json"
WEIGHTS = "image-classification.pt"
ENDLESS = json.dumps(asdict(Architecture(600_000_002, 2, (28, 28), (28, 28)))).encode()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (MXNET, r"has no image-classification\.pt at its top level: .* These are MXNet's files, .* on AWS\. Take"),
        ({"model/x": b""}, r"no image-classification\.pt and no model-shapes\.json at its top level: it holds model\."),
        ({WEIGHTS: b"", SHAPES: b"[]"}, r"model-shapes\.json in model\.tar\.gz describes no network"),
        ({WEIGHTS: b"", SHAPES: b"{}"}, r"model-shapes\.json in model\.tar\.gz describes no network"),
        ({WEIGHTS: b"", SHAPES: b"\xff"}, r"model-shapes\.json in model\.tar\.gz describes no network"),
        ({WEIGHTS: b"", SHAPES: ENDLESS}, r"model-shapes\.json in model\.tar\.gz describes no network"),
        ({WEIGHTS: b"weights"}, r"image-classification\.pt in model\.tar\.gz is damaged, or is not of the network"),
    ],
)
def test_an_artifact_of_another_layout_is_said_in_sentences(
    tmp_path: Path, trained: Job, files: dict[str, bytes], sentence: str
) -> None:
    if WEIGHTS in files and SHAPES not in files:
        files = {**files, SHAPES: (trained.base / "model" / SHAPES).read_bytes()}
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence) as caught:
        artifact.load(tmp_path)
    assert str(caught.value).endswith("Take the model.tar.gz of a training job that ran here, as it is.")


def test_the_weights_of_another_network_are_refused(tmp_path: Path, trained: Job) -> None:
    shapes = json.loads((trained.base / "model" / SHAPES).read_text())
    (tmp_path / SHAPES).write_text(json.dumps(shapes | {"num_layers": 32}))
    (tmp_path / WEIGHTS).write_bytes((trained.base / "model" / WEIGHTS).read_bytes())
    with pytest.raises(ValueError, match=r"is not of the network in model-shapes\.json"):
        artifact.load(tmp_path)


def test_a_model_from_before_resize_was_kept_with_it_is_served(tmp_path: Path, trained: Job) -> None:
    shapes = json.loads((trained.base / "model" / SHAPES).read_text())
    del shapes["resize"]
    (tmp_path / SHAPES).write_text(json.dumps(shapes))
    (tmp_path / WEIGHTS).write_bytes((trained.base / "model" / WEIGHTS).read_bytes())
    assert artifact.load(tmp_path).architecture.resize is None


@pytest.mark.parametrize("resize", [None, 30, 64])
@pytest.mark.parametrize("sizes", [[(32, 32)], [(90, 50), (300, 77)]])
def test_an_image_comes_to_the_network_as_in_training(
    tmp_path: Path, resize: int | None, sizes: list[tuple[int, int]]
) -> None:
    job = Job(tmp_path)
    job.set(image_shape="3,28,28", learning_rate="0", **({} if resize is None else {"resize": str(resize)}))
    for split in ("train", "validation"):
        write_images(job, split, 2)
        for index in range(2):
            path = job.channel(split) / f"{index}.png"
            with Image.open(path) as picture:
                picture.resize(sizes[index % len(sizes)]).save(path)
    assert job.train().returncode == 0
    architecture = artifact.load(tmp_path / "model").architecture
    trained_on = read_images(Container(tmp_path), "train", 2, (28, 28), resize).pixels
    for index in range(2):
        served = prepare((job.channel("train") / f"{index}.png").read_bytes(), architecture)
        assert torch.equal(served, cut_centre(torch.from_numpy(trained_on[index : index + 1]), (28, 28))[0].float())


def test_16_bits_of_gray_are_answered_as_the_8_bits_of_the_same_picture(socket: Path) -> None:
    gray = Image.linear_gradient("L").resize((32, 32))
    deep = Image.frombytes("I;16", gray.size, (np.asarray(gray).astype("<u2") * 257).tobytes())
    contents = []
    for picture in (gray, deep):
        file = io.BytesIO()
        picture.save(file, "PNG")
        contents.append(file.getvalue())
    [(_, eight), (_, sixteen)] = post(socket, *contents)
    assert json.loads(sixteen) == pytest.approx(json.loads(eight), abs=1e-5)
