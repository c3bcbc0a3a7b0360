"""How far the project is: what exists of each step, and which step is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from backend import deployment, monitoring, staging, training, workflow
from backend.aws.environment import Environment
from backend.errors import SconesError
from backend.wording import count_of, enumerated


class State(StrEnum):
    """How far a step is."""

    MISSING = "missing"
    CHANGING = "changing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """A step on the way to a monitored workflow; `detail` is a sentence about what exists of it."""

    name: str
    state: State
    detail: str


def describe_steps(environment: Environment) -> list[Step]:
    """What exists of each step, in the order in which a person takes them; read side by side."""
    with ThreadPoolExecutor(len(_STEPS)) as pool:
        return list(pool.map(lambda name: _describe(environment, name), _STEPS))


def next_step(steps: Sequence[Step]) -> Step | None:
    """The first step that is not ready; None when all are."""
    return next((step for step in steps if step.state is not State.READY), None)


def _describe(environment: Environment, name: str) -> Step:
    """A step; one that cannot be read has failed, with the reason, and hides no other."""
    try:
        state, detail = _STEPS[name](environment)
    except SconesError as error:
        state, detail = State.FAILED, str(error)
    return Step(name, state, detail)


def _data_staging(environment: Environment) -> tuple[State, str]:
    dataset = staging.describe_dataset(environment)
    if dataset is None:
        return State.MISSING, "No images are staged."
    kind = "synthetic images" if dataset.synthetic else "images"
    sizes = f"{enumerated([f'{dataset.size(split):,} {split}' for split in dataset.splits])} {kind}"
    return State.READY, f"{sizes} of {enumerated(dataset.labels)}."


def _training(environment: Environment) -> tuple[State, str]:
    jobs = training.list_training_jobs(environment)
    if not jobs:
        return State.MISSING, "No model is trained."
    newest = jobs[0]
    if not newest.has_ended:
        return State.CHANGING, f"Job {newest.name}: {newest.secondary_status}."
    completed = next(iter(deployment.deployable(environment, jobs)), None)
    if completed is None and any(job.status == "Completed" for job in jobs):
        return State.MISSING, "The models that were trained are deleted."
    if completed is None:
        return State.FAILED, f"Job {newest.name} ended as {newest.status}. {newest.failure_reason or ''}".rstrip()
    accuracy = training.read_training_log(environment, completed.name).accuracy
    figure = "" if accuracy is None else f", validation accuracy {accuracy.kept:.3f} ({accuracy.epochs_in_words})"
    return State.READY, f"Job {completed.name}{figure}."


def _deployment(environment: Environment) -> tuple[State, str]:
    endpoint = deployment.describe_endpoint(environment)
    if endpoint is None:
        return State.MISSING, "No endpoint is deployed."
    if endpoint.is_changing:
        return State.CHANGING, f"Endpoint {endpoint.name}: {endpoint.status}."
    if not endpoint.in_service:
        return State.FAILED, f"Endpoint {endpoint.name} is {endpoint.status}. {endpoint.failure_reason or ''}".rstrip()
    return State.READY, f"Endpoint {endpoint.name} serves {endpoint.training_job or endpoint.model}."


def _workflow(environment: Environment) -> tuple[State, str]:
    deployed = workflow.describe_workflow(environment)
    if deployed is None:
        return State.MISSING, "No workflow is deployed."
    if deployed.stack_status.endswith("_IN_PROGRESS"):
        return State.CHANGING, f"The stack is {deployed.stack_status}."
    return State.READY, f"Threshold {deployed.threshold:g} on endpoint {deployed.endpoint_name}."


def _test_images(environment: Environment) -> tuple[State, str]:
    if workflow.describe_workflow(environment) is None:
        return State.MISSING, "No image was submitted."
    outcomes = Counter(execution.outcome for execution in workflow.list_executions(environment))
    if not outcomes:
        return State.MISSING, "No image was submitted."
    return State.READY, f"Newest executions: {enumerated([f'{count} {name}' for name, count in outcomes.items()])}."


def _monitoring(environment: Environment) -> tuple[State, str]:
    summary = monitoring.capture_contents(environment)
    if summary is None:
        return State.MISSING, "No captured record was read."
    if not summary.records:
        return State.MISSING, f"None could be read of {count_of(summary.quarantined, 'captured line')}."
    return State.READY, f"{count_of(summary.records, 'captured record')} in {count_of(summary.files, 'file')}."


_STEPS: dict[str, Callable[[Environment], tuple[State, str]]] = {
    "data_staging": _data_staging,
    "training": _training,
    "deployment": _deployment,
    "workflow": _workflow,
    "test_images": _test_images,
    "monitoring": _monitoring,
}
