"""What AWS refuses, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from backend.errors import AwsRequestError

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_QUOTA = frozenset({"ResourceLimitExceeded", "LimitExceededException"})


@contextmanager
def aws_errors(action: str) -> Iterator[None]:
    """Raise AwsRequestError for what boto3 raises; `action` says what was tried: "start the training job"."""
    try:
        yield
    except ClientError as error:
        raise AwsRequestError(f"AWS did not {action}: {error_message(error)} {_advice(error_code(error))}") from error
    except BotoCoreError as error:
        raise AwsRequestError(f"AWS could not be reached to {action}: {error}. Try again in a moment.") from error


def error_code(error: ClientError) -> str:
    """AWS's name of the error, for example `ResourceInUse`."""
    return error.response.get("Error", {}).get("Code", "Unknown")


def error_message(error: ClientError) -> str:
    """AWS's sentence about the error."""
    return error.response.get("Error", {}).get("Message", str(error)).rstrip(".") + "."


def _advice(code: str) -> str:
    if code in _DENIED:
        return "Ask for this permission, or use another profile."
    if code in _QUOTA:
        return "Choose another instance type, or ask AWS for a higher quota."
    return f"({code})"
