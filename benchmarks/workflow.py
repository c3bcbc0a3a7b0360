"""Images through the workflow at 8 in flight, and one after another beside what the workflow is made of.

Beside the three Lambdas, called with boto3: an execution can hardly be faster. And beside the same state machine made
of Pass states, which is what the state machine itself costs.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backend import workflow
from backend.aws.environment import Environment, open_environment
from backend.monitoring import by_inference
from backend.monitoring.captures import image_keys
from backend.pipeline import PipelineOptions, run_pipeline, wait_for_captures
from backend.settings import Settings
from backend.staging import OfflineSample, describe_dataset, list_images
from backend.training import TrainingOptions
from backend.workflow import Execution
from benchmarks.place import say

_WARM_UP = 24
_ONE_BY_ONE = 100
"""Images at most, of each way, that are sent one after another."""
_FUNCTIONS = ("serialize_image", "classify_image", "filter_inference")


def measure(images: int = 1_000) -> dict[str, Any]:
    """The figures, in seconds: at 8 in flight by what Step Functions says of each, with one client as that waits."""
    with deployed() as environment:
        keys = keys_of(environment, images)
        workflow.run_batch(environment, keys_of(environment, _WARM_UP))
        started = time.monotonic()
        executions = workflow.run_batch(environment, keys)
        seconds = time.monotonic() - started
        figures = _batch_figures(executions, seconds) | _losses(environment, keys, executions)
        say(f"{figures}; {dict(Counter(execution.outcome for execution in executions))}")
        return figures | _one_by_one(environment, keys[:_ONE_BY_ONE])


@contextmanager
def deployed() -> Iterator[Environment]:
    """An environment that is gone afterwards, with a workflow for a model that was trained a little."""
    with tempfile.TemporaryDirectory(prefix="scones-workflow-") as folder:
        settings = Settings(environment="embedded", state_dir=Path(folder), project="scones-workflow")
        with closing(open_environment(settings)) as environment:
            options = PipelineOptions(OfflineSample(32, 4), training=TrainingOptions(epochs=1), threshold=0.5)
            run_pipeline(environment, options)
            yield environment


def keys_of(environment: Environment, images: int) -> list[str]:
    """The keys of so many test images, the same again where there are fewer."""
    dataset = describe_dataset(environment)
    assert dataset is not None  # noqa: S101  the pipeline staged it
    keys = [image.key for image in list_images(environment, dataset, "test")]
    return [keys[number % len(keys)] for number in range(images)]


def _batch_figures(executions: Sequence[Execution], seconds: float) -> dict[str, Any]:
    durations = [(one.stopped_at - one.started_at).total_seconds() for one in executions if one.stopped_at]
    return {
        "images": len(executions),
        "p50_seconds": round(float(np.percentile(durations, 50)), 3),
        "p95_seconds": round(float(np.percentile(durations, 95)), 3),
        "images_per_second": round(len(executions) / seconds, 1),
    }


def _losses(environment: Environment, keys: Sequence[str], executions: Sequence[Execution]) -> dict[str, int]:
    """Images without a verdict, or whose record does not name them; and records and verdicts beyond one an image."""
    judged = {one.name: key for one, key in zip(executions, keys, strict=True) if one.verdict and one.s3_key == key}
    wait_for_captures(environment, list(judged))
    records = Counter(by_inference(environment, list(judged))["inference_id"])
    named = image_keys(environment, list(judged))
    joined = [name for name, key in judged.items() if records[name] and named.get(name) == key]
    doubled = sum(count - 1 for count in records.values()) + len(executions) - len({one.name for one in executions})
    return {"verdicts": len(judged), "records": records.total(), "lost": len(keys) - len(joined), "doubled": doubled}


def _one_by_one(environment: Environment, keys: Sequence[str]) -> dict[str, float]:
    """The three ways with one client, in turns, so that what else the machine does slows all of them."""
    floor = _floor(environment)
    ways: dict[str, Callable[[str], object]] = {
        "one_client": lambda key: workflow.run_batch(environment, [key]),
        "direct": lambda key: _call_lambdas(environment, key),
        "floor": lambda key: workflow.run_batch(floor, [key]),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for key in keys:
        for name, way in ways.items():
            started = time.perf_counter()
            way(key)
            times[name].append(time.perf_counter() - started)
    medians = {name: float(np.median(found)) for name, found in times.items()}
    return {f"{name}_p50_seconds": round(seconds, 3) for name, seconds in medians.items()} | {
        "ratio_to_direct": round(medians["one_client"] / medians["direct"], 2),
        "ratio_to_floor": round(medians["one_client"] / medians["floor"], 2),
    }


def _call_lambdas(environment: Environment, key: str) -> dict[str, Any]:
    """The verdict on an image, from the functions alone."""
    content: dict[str, Any] = {"s3_bucket": environment.bucket, "s3_key": key}
    for folder in _FUNCTIONS:
        payload = json.dumps(content | {"inference_id": f"direct-{time.monotonic_ns()}"})
        answer = environment.lambda_.invoke(FunctionName=environment.names.function(folder), Payload=payload.encode())
        content = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise RuntimeError(f"{folder}: {content}")
    return content


def _floor(environment: Environment) -> Environment:
    """A project whose state machine is this one's, each of its tasks a Pass state."""
    own = replace(environment, settings=environment.settings.model_copy(update={"project": "scones-workflow-floor"}))
    deployed_workflow = workflow.describe_workflow(environment)
    assert deployed_workflow is not None  # noqa: S101  it has just been used
    definition = deployed_workflow.definition
    answer = {"is_known": True, "meets_threshold": True}
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            definition["States"][name] = {"Type": "Pass", "Result": answer, "Next": state["Next"]}
    own.stepfunctions.create_state_machine(
        name=own.project, definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/any"
    )
    return own
