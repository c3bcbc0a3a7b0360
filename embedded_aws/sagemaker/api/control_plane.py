"""From an operation's name and a body to its output: is it known, is the request valid, then perform it."""

from __future__ import annotations

from typing import Any

from embedded_aws.sagemaker.api import endpoint_configs, endpoints, models, tags, training_jobs
from embedded_aws.sagemaker.api.exceptions import UnknownOperation
from embedded_aws.sagemaker.api.operations import Operation, Output
from embedded_aws.sagemaker.api.validation import validate
from embedded_aws.sagemaker.service import Service

OPERATIONS: dict[str, Operation] = (
    training_jobs.OPERATIONS | models.OPERATIONS | endpoint_configs.OPERATIONS | endpoints.OPERATIONS | tags.OPERATIONS
)


async def perform(service: Service, operation: str, body: dict[str, Any]) -> Output:
    """Validate and perform one operation; raises the ServiceError to answer instead."""
    if operation not in OPERATIONS:
        raise UnknownOperation(
            f"The embedded SageMaker does not implement {operation}. It implements {', '.join(sorted(OPERATIONS))}."
        )
    return await OPERATIONS[operation](service, validate(operation, body))
