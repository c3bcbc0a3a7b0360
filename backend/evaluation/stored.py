"""Evaluations in the bucket, beside the models that they are of."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError

from backend.aws.bucket import read_object, write_object
from backend.aws.environment import Environment
from backend.aws.names import MODELS_PREFIX
from backend.errors import EvaluationDamaged
from backend.evaluation.record import Evaluation

_EVALUATION_JSON = TypeAdapter(Evaluation)


def evaluation_key(job: str) -> str:
    """Where the evaluation of a training job's model is in the bucket: it goes with the model."""
    return f"{MODELS_PREFIX}{job}/evaluation/evaluation.json"


def store_evaluation(environment: Environment, evaluation: Evaluation) -> None:
    """Store an evaluation in the place of the model's earlier one; raises AwsRequestError."""
    key, content = evaluation_key(evaluation.job), _EVALUATION_JSON.dump_json(evaluation)
    action = f"store the evaluation of {evaluation.job}"
    write_object(environment, key, content, "application/json", action=action)


def read_evaluation(environment: Environment, job: str) -> Evaluation | None:
    """The evaluation of a training job's model; None when there is none.

    Raises EvaluationDamaged when it cannot be read, AwsRequestError when the bucket cannot.
    """
    key = evaluation_key(job)
    content = read_object(environment, key)
    if content is None:
        return None
    try:
        evaluation = _EVALUATION_JSON.validate_json(content)
    except ValidationError as error:
        raise EvaluationDamaged(
            f"The evaluation of {job} is damaged ({error.errors()[0]['msg']}). Evaluate the model again."
        ) from error
    if evaluation.job != job:
        raise EvaluationDamaged(f"{key} is the evaluation of {evaluation.job}. Evaluate the model again.")
    return evaluation
