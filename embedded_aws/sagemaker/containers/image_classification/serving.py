"""Serving: `GET /ping` and `POST /invocations` on a unix socket, with what is queued answered in one forward pass."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import queue
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import torch
from aiohttp import web
from torch import Tensor

from embedded_aws.sagemaker.containers.image_classification import artifact, pictures
from embedded_aws.sagemaker.containers.image_classification.augmentation import cut_centre
from embedded_aws.sagemaker.containers.image_classification.container import Container
from embedded_aws.sagemaker.containers.image_classification.network import Architecture, Classifier
from embedded_aws.sagemaker.containers.image_classification.pictures import UnreadableImage

_IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "application/x-image"})
_MAX_BATCH = 8
_MAX_BODY_BYTES = 6 << 20


def serve(container: Container, log: logging.Logger) -> int:
    """Serve the container's model until SIGTERM; returns the exit code, 1 when the model does not load."""
    torch.set_num_threads(1)  # two are slower for single images, and the machine has others to serve
    try:
        model = artifact.load(container.model)
    except ValueError as error:
        log.error("The model does not load: %s", error)
        return 1
    app = create_app(Predictor(model, log), model.architecture)
    web.run_app(app, path=os.environ["SAGEMAKER_SOCKET"], print=None, access_log=None, shutdown_timeout=5)
    return 0


def create_app(predictor: Predictor, architecture: Architecture) -> web.Application:
    """The container's HTTP server."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.add_routes([web.get("/ping", _ping), web.post("/invocations", _Invocations(predictor, architecture).answer)])
    return app


class InferenceFailed(Exception):
    """When the model raised on the images of a batch, or answered with what is no number."""


@dataclass
class _Request:
    """Pixels to classify, and where the probabilities go."""

    pixels: Tensor
    answer: Future[list[float]] = field(default_factory=Future)


class Predictor:
    """One thread that runs the model on whatever is queued, up to 8 images at once, without waiting for more."""

    def __init__(self, model: Classifier, log: logging.Logger) -> None:
        self._log = log
        example = torch.zeros(1, 3, *model.architecture.image_shape)
        with torch.inference_mode():
            self._model = torch.jit.freeze(torch.jit.trace(model, example))  # type: ignore[no-untyped-call]
            self._model(example)  # the first calls compile
        self._queue: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        threading.Thread(target=self._run_or_exit, name="inference", daemon=True).start()

    def predict(self, pixels: Tensor) -> Future[list[float]]:
        """Queue float pixels (3, height, width): the probabilities to be, or InferenceFailed."""
        request = _Request(pixels)
        self._queue.put(request)
        return request.answer

    def _run_or_exit(self) -> None:
        """Without this thread the process answers nothing: it ends with it, and the container is started again."""
        try:
            while True:
                self._answer(self._next_batch())
        finally:
            os._exit(1)

    def _next_batch(self) -> list[_Request]:
        batch = [self._queue.get()]
        while len(batch) < _MAX_BATCH and not self._queue.empty():
            batch.append(self._queue.get())
        return batch

    def _answer(self, batch: list[_Request]) -> None:
        waiting = [request for request in batch if request.answer.set_running_or_notify_cancel()]  # clients may go
        if not waiting:
            return
        try:
            probabilities = self._probabilities([request.pixels for request in waiting])
        except Exception as error:  # whatever it is: these images have no answer, and the next ones may
            self._log.exception("The model failed.")
            for request in waiting:
                request.answer.set_exception(InferenceFailed(repr(error)))
            return
        for request, answer in zip(waiting, probabilities, strict=True):
            if all(map(math.isfinite, answer)):
                request.answer.set_result(answer)
            else:  # a caller that compares these with a threshold would take a broken model for an unsure one
                request.answer.set_exception(
                    InferenceFailed("its probabilities are no numbers: its weights are broken")
                )

    def _probabilities(self, images: list[Tensor]) -> list[list[float]]:
        with torch.inference_mode():
            found: list[list[float]] = torch.softmax(self._model(torch.stack(images)), dim=1).tolist()
            return found


@dataclass
class _Invocations:
    predictor: Predictor
    architecture: Architecture
    decoding: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "decoding"))
    """Beside the event loop, which answers others meanwhile; one thread: one image's memory is taken at a time."""

    async def answer(self, request: web.Request) -> web.Response:
        """The probabilities of an image's classes, as JSON or JSON lines."""
        if request.content_type not in _IMAGE_TYPES:
            return web.Response(
                status=415, text=f"Content type {request.content_type} is not supported. Use image/png."
            )
        loop = asyncio.get_running_loop()
        try:
            pixels = await loop.run_in_executor(self.decoding, prepare, await request.read(), self.architecture)
        except UnreadableImage as error:
            return web.Response(status=400, text=f"Unable to decode the image: {error}.")
        try:
            probabilities = await asyncio.wrap_future(self.predictor.predict(pixels))
        except InferenceFailed as error:
            return web.Response(status=500, text=f"The model failed: {error}")
        if request.headers.get("Accept", "") in {"application/jsonlines", "application/jsonlines;verbose=true"}:
            line = json.dumps({"prediction": probabilities}) + "\n"
            return web.Response(text=line, content_type="application/jsonlines")
        return web.Response(text=json.dumps(probabilities), content_type="application/json")


async def _ping(_request: web.Request) -> web.Response:
    return web.Response()


def prepare(content: bytes, architecture: Architecture) -> Tensor:
    """Float pixels (3, height, width) from 0 to 255 of the network's shape, cut from the image as in validation.

    An image of another size than the training images is scaled first. Raises UnreadableImage.
    """
    height, width = architecture.canvas
    image = pictures.prepare(content, (width, height), architecture.resize)
    pixels = torch.from_numpy(image.transpose(2, 0, 1).copy())
    return cut_centre(pixels[None], architecture.image_shape)[0].float()
