"""What AWS refuses, in words; and the one place that knows how its services say that something is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from backend.errors import AccessDenied, AwsRequestError, NotFound

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
        "403",
    }
)
_QUOTA = frozenset({"ResourceLimitExceeded", "LimitExceededException", "ServiceQuotaExceededException"})
_MISSING = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ExecutionDoesNotExist",
        "NoSuchBucket",
        "NoSuchKey",
        "NotFound",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "StateMachineDoesNotExist",
    }
)
_QUOTA_NAME = re.compile(r"service limit '([^']+)'")
"""The quota's name in what SageMaker says, as the console of Service Quotas lists it."""
_VALIDATION = frozenset({"ValidationError", "ValidationException"})
_MISSING_WORDS = ("Could not find", "Requested resource not found", "does not exist")
"""How SageMaker and CloudFormation say it: their code is the same as for a malformed request."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Raise AwsRequestError for what boto3 raises; `action` says what was tried: "start the training job".

    NotFound when something is not there, AccessDenied when the caller may not.
    """
    try:
        yield
    except ClientError as error:
        raise _request_error(error)(f"AWS did not {action}: {error_message(error)} {_advice(error)}") from error
    except WaiterError as error:
        raise AwsRequestError(f"AWS did not {action} in time: {error}. Look at it again in a few minutes.") from error
    except BotoCoreError as error:
        raise AwsRequestError(f"AWS could not be reached to {action}: {error}. Try again in a moment.") from error


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that there is no such thing."""
    code = error_code(error)
    said = code in _VALIDATION and any(words in error_message(error) for words in _MISSING_WORDS)
    return said or code in _MISSING


def find(call: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
    """What a call answers; None when AWS has no such thing."""
    try:
        return call(*args, **kwargs)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


@contextmanager
def missing_is_fine() -> Iterator[None]:
    """Go on when there is no such thing: somebody else deleted it meanwhile."""
    try:
        yield
    except ClientError as error:
        if not is_missing(error):
            raise


def error_code(error: ClientError) -> str:
    """AWS's name of the error, for example `ResourceInUse`."""
    return error.response.get("Error", {}).get("Code", "Unknown")


def error_message(error: ClientError) -> str:
    """AWS's sentence about the error."""
    return error.response.get("Error", {}).get("Message", str(error)).rstrip(".") + "."


def _request_error(error: ClientError) -> type[AwsRequestError]:
    if is_missing(error):
        return NotFound
    return AccessDenied if error_code(error) in _DENIED else AwsRequestError


def _advice(error: ClientError) -> str:
    code = error_code(error)
    if code in _DENIED:
        return "Ask for this permission, or use another profile."
    if code in _QUOTA:
        return _quota_advice(_QUOTA_NAME.search(error_message(error)))
    return f"({code})"


def _quota_advice(quota: re.Match[str] | None) -> str:
    """A new account's quota is 0 for every type of instance with a GPU: another type of the kind is no way out."""
    if quota is None:
        return "Delete what is not needed, or ask for a higher quota in the console of Service Quotas."
    return (
        f'Ask for a higher one in this region\'s console of Service Quotas: Amazon SageMaker, "{quota[1]}". '
        "A new account has 0 of every type with a GPU, and AWS takes minutes to days to change it."
    )
