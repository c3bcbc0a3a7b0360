"""AWS's runtime for Python functions in a few lines, for where awslambdaric has no wheel and needs a compiler.

Results, errors and log lines are those of awslambdaric 4.2.2, which the tests compare it with.
"""

from __future__ import annotations

import decimal
import importlib
import logging
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import simplejson

_NO_BREAK_SPACE = "\u00a0"
_request_id = ""


class Fault(Exception):
    """What is wrong with the function's package, its input or its result: Lambda names it, not the function."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.trace = trace


class _Encoder(simplejson.JSONEncoder):
    """Bytes are text, decimals are numbers."""

    def __init__(self) -> None:
        super().__init__(use_decimal=False, ensure_ascii=False, allow_nan=True)

    def default(self, value: Any) -> Any:
        if isinstance(value, decimal.Decimal):
            return math.nan if value.is_nan() else simplejson.raw_json.RawJSON(str(value))
        return super().default(value)


class LambdaMarshaller:
    """Between JSON and what the function takes and returns."""

    def unmarshal_request(self, request: str) -> Any:
        try:
            return simplejson.loads(request)
        except Exception as error:
            raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error

    def marshal_response(self, response: Any) -> str | bytes:
        if isinstance(response, bytes):
            return response
        try:
            return str(_Encoder().encode(response))
        except Exception as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


class Context:
    """The second argument of a handler.

    Source: AWS Lambda developer guide, "Using the Lambda context object to retrieve Python function information".
    """

    client_context = None
    identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
    tenant_id = None

    def __init__(self, invocation: Any) -> None:
        self.aws_request_id = invocation.invoke_id
        self.invoked_function_arn = invocation.invoked_function_arn
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self._deadline_ms = int(invocation.deadline_time_in_ms)

    def get_remaining_time_in_millis(self) -> int:
        return max(self._deadline_ms - round(time.time() * 1000), 0)

    def log(self, message: str) -> None:
        sys.stdout.write(str(message))


class _Handler(logging.Handler):
    """What functions log goes to the one log, with the request it belongs to."""

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = _request_id
        sys.stdout.write(self.format(record))


def run(handler: str, client: Any) -> None:
    """Serve invocations of a handler, `module.function`, until the client ends the process."""
    global _request_id
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(write_through=True)  # type: ignore[union-attr]
    _set_up_logging()
    try:
        function = _find(handler)
    except Exception as error:
        failure = _failure(error)
        logging.warning("[WARNING]Unhandled exception. ")
        _log(failure)
        client.post_init_error(failure)
        sys.exit(1)
    while True:
        invocation = client.wait_next_invocation()
        _request_id = invocation.invoke_id
        _set_trace(invocation.x_amzn_trace_id)
        _serve(function, invocation, client)


def _serve(function: Callable[[Any, Any], Any], invocation: Any, client: Any) -> None:
    try:
        event = client.marshaller.unmarshal_request(invocation.event_body)
        result = client.marshaller.marshal_response(function(event, Context(invocation)))
    except Exception as error:
        failure = _failure(error, invocation.invoke_id)
        _log(failure)
        client.post_invocation_error(invocation.invoke_id, _Encoder().encode(failure), "")
    else:
        client.post_invocation_result(invocation.invoke_id, result)


def _find(handler: str) -> Callable[[Any, Any], Any]:
    module_name, dot, name = handler.rpartition(".")
    if not dot:
        message = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise Fault("Runtime.MalformedHandlerName", message)
    if module_name.split(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        raise Fault("Runtime.UserCodeSyntaxError", message, trace) from error
    try:
        function: Callable[[Any, Any], Any] = getattr(module, name)
    except AttributeError as error:
        message = f"Handler '{name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", message) from error
    return function


def _failure(error: Exception, request_id: str = "") -> dict[str, Any]:
    """The error as Lambda answers it: the frames are the function's own."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace or []
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = next((at for at, frame in enumerate(frames) if frame.filename != __file__), len(frames))
        plain = [(frame.filename, frame.lineno or 0, frame.name, frame.line) for frame in frames[own:]]
        kind, trace = type(error).__name__, traceback.format_list(plain)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": trace}


def _log(failure: dict[str, Any]) -> None:
    title = f"[ERROR] {failure['errorType']}: {failure['errorMessage']}".rstrip(": ")
    lines = [title, "Traceback (most recent call last):"]
    for frame in failure["stackTrace"]:
        for line in frame.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append(_NO_BREAK_SPACE * (len(line) - len(text)) + text)
    sys.stdout.write("\r".join(lines) + "\n")


def _set_up_logging() -> None:
    logging.Formatter.converter = time.gmtime
    handler = _Handler()
    layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    handler.setFormatter(logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S"))
    logging.getLogger().addHandler(handler)


def _set_trace(trace_id: str | None) -> None:
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    if trace_id is not None:
        os.environ["_X_AMZN_TRACE_ID"] = trace_id
