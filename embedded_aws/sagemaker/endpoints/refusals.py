"""
Errors of InvokeEndpoint: a code, a sentence, an HTTP status.

* RuntimeRefusal, which is a ValidationError to the client
  - ModelError
  - ServiceUnavailable
  - ModelNotReady
"""

from __future__ import annotations

from typing import Any, ClassVar


class RuntimeRefusal(Exception):
    """What InvokeEndpoint answers instead of the model's answer: an error's name, its sentence, an HTTP status."""

    code: ClassVar[str] = "ValidationError"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.members = {"Message": message, **members}


class ModelError(RuntimeRefusal):
    """When the model's container answered with an error, or not in time."""

    code = "ModelError"
    status = 424


class ServiceUnavailable(RuntimeRefusal):
    """When no container of the endpoint answers."""

    code = "ServiceUnavailable"
    status = 503


class ModelNotReady(RuntimeRefusal):
    """When the endpoint's containers are still being started again."""

    code = "ModelNotReadyException"
    status = 429
