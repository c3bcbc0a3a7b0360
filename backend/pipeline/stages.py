"""The stages of the whole pipeline. Each makes what is not there yet: a run that broke off goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend import staging, training, workflow
from backend.aws.environment import Environment
from backend.deployment import deploy_model, deployable, describe_endpoint, wait_for_endpoint
from backend.errors import NotFound
from backend.pipeline.captures import wait_for_captures
from backend.pipeline.record import PipelineRun, Stage
from backend.progress import Progress
from backend.workflow.batches import new_batch
from backend.workflow.outcome import JUDGED

Keep = Callable[[str], None]
"""Takes the name of what a stage makes, before it is made or at once after: a later run looks for it."""
Work = Callable[[Environment, PipelineRun, Keep, Progress], None]

_BATCH = "Test images of the whole pipeline"


def dataset_of(environment: Environment, run: PipelineRun) -> staging.Dataset:
    """The images that a run staged; raises NotFound when they are gone."""
    made = run.made(Stage.STAGING)
    dataset = staging.describe_dataset(environment, made) if made else None
    if dataset is None:
        raise NotFound("The images of this run are not staged any more. Run the whole pipeline again.")
    return dataset


def results_of(environment: Environment, run: PipelineRun) -> list[workflow.Result]:
    """What became of the test images that a run sent through the workflow."""
    batch = run.made(Stage.TEST_IMAGES)
    return list(workflow.read_results(environment, batch).values()) if batch else []


def captured_executions(environment: Environment, run: PipelineRun) -> list[str]:
    """The executions whose image was classified, and so captured."""
    return [result.execution for result in results_of(environment, run) if result.outcome in JUDGED]


def _stage_images(environment: Environment, run: PipelineRun, keep: Keep, progress: Progress) -> None:
    made = run.made(Stage.STAGING)
    if made is None or staging.describe_dataset(environment, made) is None:
        options = run.options
        dataset = staging.stage_dataset(environment, options.source, options.labels, progress, other=options.other)
        keep(dataset.dataset_id)


def _train(environment: Environment, run: PipelineRun, keep: Keep, progress: Progress) -> None:
    name = run.made(Stage.TRAINING)
    if name is None or not _may_serve(environment, name):
        name = environment.names.stamped()
        keep(name)
        training.start_training(environment, dataset_of(environment, run), run.options.training, name)
    training.wait_for_training(environment, name, progress)


def _may_serve(environment: Environment, name: str) -> bool:
    """Whether a job trains, or has left a model that is there."""
    try:
        job = training.describe_training(environment, name)
    except NotFound:
        return False
    return job.status == "InProgress" or (job.status == "Completed" and bool(deployable(environment, [job])))


def _deploy(environment: Environment, run: PipelineRun, keep: Keep, progress: Progress) -> None:
    job = run.made(Stage.TRAINING) or ""
    endpoint = describe_endpoint(environment)
    if endpoint is not None and endpoint.is_changing:
        endpoint = wait_for_endpoint(environment, progress)
    if endpoint is None or not endpoint.in_service or endpoint.training_job != job:
        config = deploy_model(environment, job, run.options.deployment)
        keep(config)
        wait_for_endpoint(environment, progress, config=config)


def _deploy_workflow(environment: Environment, run: PipelineRun, keep: Keep, progress: Progress) -> None:
    labels = dataset_of(environment, run).labels
    workflow.deploy_workflow(environment, environment.names.endpoint, labels, run.options.threshold, progress)
    keep(environment.names.workflow_stack)


def _send_images(environment: Environment, run: PipelineRun, keep: Keep, progress: Progress) -> None:
    batch_id = run.made(Stage.TEST_IMAGES)
    if batch_id is None or workflow.describe_batch(environment, batch_id) is None:
        images = staging.list_images(environment, dataset_of(environment, run), staging.TEST)
        batch_id = new_batch(environment, _BATCH, [image.key for image in images]).batch_id
        keep(batch_id)
    workflow.resume_batch(environment, batch_id, progress)


def _await_captures(environment: Environment, run: PipelineRun, keep: Keep, progress: Progress) -> None:  # noqa: ARG001
    wait_for_captures(environment, captured_executions(environment, run), progress)


STAGES: Mapping[Stage, tuple[float, Work]] = {
    Stage.STAGING: (0.15, _stage_images),
    Stage.TRAINING: (0.5, _train),
    Stage.DEPLOYMENT: (0.1, _deploy),
    Stage.WORKFLOW: (0.1, _deploy_workflow),
    Stage.TEST_IMAGES: (0.1, _send_images),
    Stage.CAPTURES: (0.05, _await_captures),
}
"""Each with its share of the progress, roughly of the time."""
