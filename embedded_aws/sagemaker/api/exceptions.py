"""
Errors of the SageMaker API, as the service answers them: a code, a sentence, an HTTP status.

* ServiceError
  - ValidationException
  - SerializationException
  - UnknownOperation
  - ResourceNotFound
  - ResourceInUse
  - ResourceLimitExceeded
  - InternalFailure
"""

from __future__ import annotations

from typing import ClassVar


class ServiceError(Exception):
    """The root of what an operation answers instead of its output."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    message_member: ClassVar[str] = "message"
    """How the JSON body names the sentence: errors declared in the service model say `Message`."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationException(ServiceError):
    """When a request breaks a constraint, or names something that does not exist."""

    code = "ValidationException"


class SerializationException(ServiceError):
    """When a body is not JSON, or a member has another type than the service model says."""

    code = "SerializationException"


class UnknownOperation(ServiceError):
    """When an operation does not exist, or is not one of those that are implemented."""

    code = "UnknownOperationException"


class ResourceNotFound(ServiceError):
    """When the resource that an operation works on does not exist."""

    code = "ResourceNotFound"
    message_member = "Message"


class ResourceInUse(ServiceError):
    """When a name is taken, or another operation on the resource is still under way."""

    code = "ResourceInUse"
    message_member = "Message"


class ResourceLimitExceeded(ServiceError):
    """When the disk has no room for what should be stored; boto3 does not ask again."""

    code = "ResourceLimitExceeded"
    message_member = "Message"


class InternalFailure(ServiceError):
    """When the service itself failed."""

    code = "InternalFailure"
    status = 500
