"""Serving: `GET /ping` and `POST /invocations` on a unix socket, with what is queued answered in one forward pass."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

import torch
from aiohttp import web
from PIL import Image
from torch import Tensor

from backend.local_aws.image_classification import artifact
from backend.local_aws.image_classification.augmentation import cut_centre
from backend.local_aws.image_classification.channels import fit
from backend.local_aws.image_classification.container import Container
from backend.local_aws.image_classification.network import Architecture, Classifier

_IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "application/x-image"})
_MAX_BATCH = 8
_MAX_BODY_BYTES = 6 << 20


def serve(container: Container, log: logging.Logger) -> int:
    """Serve the container's model until SIGTERM; returns the exit code, 1 when the model does not load."""
    torch.set_num_threads(1)  # two are slower for single images, and the machine has others to serve
    try:
        model = artifact.load(container.model)
    except ValueError as error:
        log.error("The model does not load: %s.", error)
        return 1
    predictor = Predictor(model)
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.add_routes([web.get("/ping", _ping), web.post("/invocations", _Invocations(predictor, model).answer)])
    web.run_app(app, path=os.environ["SAGEMAKER_SOCKET"], print=None, access_log=None, shutdown_timeout=5)
    return 0


@dataclass
class _Request:
    """Pixels to classify, and where the probabilities go."""

    pixels: Tensor
    resolve: Callable[[list[float]], None]


class Predictor:
    """One thread that runs the model on whatever is queued, up to 8 images at once, without waiting for more."""

    def __init__(self, model: Classifier) -> None:
        example = torch.zeros(1, 3, *model.architecture.image_shape)
        with torch.inference_mode():
            self._model = torch.jit.freeze(torch.jit.trace(model, example))  # type: ignore[no-untyped-call]
            self._model(example)  # the first calls compile
        self._queue: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="inference", daemon=True).start()

    def predict(self, pixels: Tensor, resolve: Callable[[list[float]], None]) -> None:
        """Queue float pixels (3, height, width); `resolve` is called, from the thread, with the probabilities."""
        self._queue.put(_Request(pixels, resolve))

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            while len(batch) < _MAX_BATCH and not self._queue.empty():
                batch.append(self._queue.get())
            with torch.inference_mode():
                logits = self._model(torch.stack([request.pixels for request in batch]))
                probabilities = torch.softmax(logits, dim=1).tolist()
            for request, answer in zip(batch, probabilities, strict=True):
                request.resolve(answer)


@dataclass
class _Invocations:
    predictor: Predictor
    model: Classifier

    async def answer(self, request: web.Request) -> web.Response:
        """The probabilities of an image's classes, as JSON or JSON lines."""
        if request.content_type not in _IMAGE_TYPES:
            return web.Response(
                status=415, text=f"Content type {request.content_type} is not supported. Use image/png."
            )
        try:
            pixels = decode(await request.read(), self.model.architecture)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            return web.Response(status=400, text=f"Unable to decode the image: {error}")
        probabilities = await self._predict(pixels)
        if request.headers.get("Accept", "") in {"application/jsonlines", "application/jsonlines;verbose=true"}:
            line = json.dumps({"prediction": probabilities}) + "\n"
            return web.Response(text=line, content_type="application/jsonlines")
        return web.Response(text=json.dumps(probabilities), content_type="application/json")

    async def _predict(self, pixels: Tensor) -> list[float]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[float]] = loop.create_future()

        def set_result(answer: list[float]) -> None:
            if not future.done():  # the client may have gone
                future.set_result(answer)

        def resolve(answer: list[float]) -> None:
            loop.call_soon_threadsafe(set_result, answer)

        self.predictor.predict(pixels, resolve)
        return await future


async def _ping(_request: web.Request) -> web.Response:
    return web.Response()


def decode(content: bytes, architecture: Architecture) -> Tensor:
    """Float pixels (3, height, width) from 0 to 255 of the network's shape, cut from the image as in validation.

    An image of another size than the training images is scaled first. Raises what Pillow raises for bytes that are no
    image.
    """
    with Image.open(io.BytesIO(content)) as file:
        image = file.convert("RGB")
    height, width = architecture.canvas
    pixels = torch.from_numpy(fit(image, (width, height)).transpose(2, 0, 1).copy())
    return cut_centre(pixels[None], architecture.image_shape)[0].float()
