"""Asking a model about every image that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from backend import deployment, staging, training
from backend.aws.environment import Environment
from backend.aws.errors import aws_errors
from backend.errors import EvaluationNotPossible, InvalidImage
from backend.evaluation.questions import Question, folder_questions, staged_questions
from backend.evaluation.record import EvaluatedImage, Evaluation
from backend.evaluation.stored import store_evaluation
from backend.progress import Progress, no_progress, part_of, side_by_side
from backend.staging import Dataset
from backend.training import TrainingJob
from backend.wording import count_of

_AT_ONCE = 4
"""Images that the endpoint is asked about side by side."""
_STARTING = 0.1
"""Of the progress; the rest is the images."""
_answers = msgspec.json.Decoder(tuple[float, ...])


def evaluate_model(
    environment: Environment, job_name: str, progress: Progress = no_progress, extra_images: Path | None = None
) -> Evaluation:
    """Ask a training job's model about its dataset's images and a folder's, and store what it answers.

    It is served meanwhile from an endpoint of its own, which captures nothing. When this fails, or `progress` raises,
    nothing stays, and an earlier evaluation is as before.
    Raises EvaluationNotPossible, ModelMissing, SourceUnavailable, DatasetDamaged, ImageMissing and AwsRequestError.
    """
    job = training.describe_training(environment, job_name)
    dataset = _require_dataset(environment, job)
    questions = list(staged_questions(environment, dataset))
    if extra_images is not None:
        questions += folder_questions(extra_images)
    with deployment.temporary_endpoint(environment, job, part_of(progress, 0.0, _STARTING)) as endpoint:
        answers = _ask_all(environment, endpoint, questions, part_of(progress, _STARTING, 1.0))
        evaluation = _evaluation(job, dataset, questions, answers, extra_images)
        store_evaluation(environment, evaluation)
    progress(1.0, _summary(evaluation))
    return evaluation


def _require_dataset(environment: Environment, job: TrainingJob) -> Dataset:
    dataset = staging.describe_dataset(environment, job.dataset_id) if job.dataset_id else None
    if dataset is None:
        raise EvaluationNotPossible(
            f"The images that {job.name} was trained beside are gone. Stage images, train on them, and evaluate that."
        )
    return dataset


Answer = tuple[float, ...] | InvalidImage


def _ask_all(
    environment: Environment, endpoint: str, questions: Sequence[Question], progress: Progress
) -> list[Answer]:
    """The answers in the questions' order; of a folder's file that is no image, what is wrong with it."""
    return side_by_side(
        lambda question: _ask(environment, endpoint, question),
        questions,
        _AT_ONCE,
        progress,
        lambda done, of: f"Asked about {done:,} of {of:,} images.",
    )


def _ask(environment: Environment, endpoint: str, question: Question) -> Answer:
    try:
        content, media_type = question.read()
    except InvalidImage as error:
        if question.split == "folder":
            return error
        raise
    with aws_errors(f"classify {question.name} at endpoint {endpoint}"):
        response = environment.sagemaker_runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType=media_type, Accept="application/json", Body=content
        )
        body = response["Body"].read()
    try:
        return _answers.decode(body)
    except msgspec.DecodeError as error:
        raise EvaluationNotPossible(
            f"The model's answer to {question.name} is no list of probabilities. Train again, and evaluate that."
        ) from error


def _evaluation(
    job: TrainingJob, dataset: Dataset, questions: Sequence[Question], answers: Sequence[Answer], folder: Path | None
) -> Evaluation:
    """Raises EvaluationNotPossible when the answers are not of the dataset's classes."""
    images: list[EvaluatedImage] = []
    skipped: list[str] = []
    try:
        for question, answer in zip(questions, answers, strict=True):
            if isinstance(answer, InvalidImage):
                skipped.append(question.name)
            else:
                images.append(question.answered(answer))
        return Evaluation(
            job=job.name,
            dataset_id=dataset.dataset_id,
            labels=dataset.labels,
            is_untouched="validation" in dataset.counts,
            evaluated_at=datetime.now(UTC),
            images=tuple(images),
            folder=str(folder) if folder else None,
            skipped=tuple(skipped),
        )
    except ValueError as error:
        raise EvaluationNotPossible(
            f"The model of {job.name} does not answer for the classes of its dataset: {error}. Train again on the "
            "staged images, and evaluate that."
        ) from error


def _summary(evaluation: Evaluation) -> str:
    summary = f"{evaluation.job} is evaluated on {count_of(len(evaluation.images), 'image')}."
    if evaluation.skipped:
        return f"{summary} {count_of(len(evaluation.skipped), 'file')} of the folder cannot be used."
    return summary
