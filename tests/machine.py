"""The deployed workflow with answers that the images themselves hold: no endpoint is needed for any of them."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from backend import workflow
from backend.aws import stacks
from backend.aws.environment import Environment
from backend.workflow import batch, code, deploy

THRESHOLD = 0.9
_BEFORE = Path(__file__).parent / "before"
_CLASSIFY = """
import base64, json

class NotAnImage(Exception): pass
class EndpointUnavailable(Exception): pass
class AnswerLost(Exception): pass

raised = set()

def lambda_handler(event, _context):
    kept = {name: event[name] for name in ("inference_id", "s3_bucket", "s3_key")}
    text = base64.b64decode(event["image_data"]).split(b"answer\\0")[-1].decode(errors="replace")
    inferences, _ = json.JSONDecoder().raw_decode(text)
    if inferences == "fail":
        raise NotAnImage
    if isinstance(inferences, dict):
        if event["inference_id"] not in raised:
            raised.add(event["inference_id"])
            raise globals()[inferences["raises"]]
        inferences = inferences["then"]
    return {"inferences": inferences, **kept}
"""
"""In the place of ClassifyImage."""


def answer(count: int, index: int, confidence: float) -> list[float]:
    """Probabilities of so many classes, of which this one has this."""
    return [confidence if other == index else (1 - confidence) / (count - 1) for other in range(count)]


def picture(content: Any, color: str = "gray") -> bytes:
    """A PNG that holds what the endpoint answers to it."""
    buffer, info = io.BytesIO(), PngInfo()
    info.add_text("answer", json.dumps(content))
    Image.new("RGB", (32, 32), color).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


@contextmanager
def two_at_once() -> Iterator[None]:
    """Batches with less at once than the eight that they have: each more needs Lambdas of its own, started for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_AT_ONCE", 2)
        yield


class Machine:
    """A project's workflow, whose images say what the endpoint answers."""

    def __init__(self, project: Environment, labels: Sequence[str]) -> None:
        self.project, self.labels = project, tuple(labels)
        self.deployed = workflow.deploy_workflow(project, "no-such-endpoint", labels, THRESHOLD)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("handler.py", _CLASSIFY)
        name = project.names.function("classify_image")
        project.lambda_.update_function_code(FunctionName=name, ZipFile=archive.getvalue())

    def run(self, answers: Sequence[Any]) -> list[workflow.Execution]:
        """An execution, with its states, for each answer; of None there is no image."""
        keys = ["uploads/missing.png" if one is None else f"uploads/{json.dumps(one)}.png" for one in answers]
        for key, content in zip(keys, answers, strict=True):
            if content is not None:
                self.project.s3.put_object(Bucket=self.project.bucket, Key=key, Body=picture(content))
        with two_at_once():
            ended = workflow.run_batch(self.project, keys)
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda execution: workflow.describe_execution(self.project, execution.name), ended))


@contextmanager
def from_before(folder: Path) -> Iterator[None]:
    """Code and definition on the disk as they were before there was a class `other`, and causes in sentences."""
    lambdas, templates = folder / "lambdas", folder / "workflow"
    shutil.copytree(code.LAMBDAS, lambdas)
    shutil.copytree(stacks.TEMPLATES, templates)
    shutil.copy(_BEFORE / "filter_inference.py.txt", lambdas / "filter_inference" / "handler.py")
    shutil.copy(_BEFORE / "state_machine.asl.json", templates / "state_machine.asl.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code, "LAMBDAS", lambdas)
        patch.setattr(deploy, "TEMPLATES", templates)
        yield
