"""botocore's own description of the SageMaker API: what requests and answers are made of."""

from __future__ import annotations

import functools

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel


@functools.cache
def service_model() -> ServiceModel:
    """The model of the service that boto3 and the AWS CLI are driven by."""
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


@functools.cache
def operation_model(operation: str) -> OperationModel:
    """The model of one operation; raises botocore's OperationNotFoundError when AWS has none of that name."""
    return service_model().operation_model(operation)
