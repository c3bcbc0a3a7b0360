"""
What runs in an execution environment: `python bootstrap.py <descriptor> <folder for /tmp> <needed folder>...`.

Run as a script of its own, so that the function sees nothing of this project. The needed folders stay though they be
below /tmp: the function's code, the interpreter. The runtime is AWS's own (awslambdaric), which takes invocations from
any client; ours speaks to the service over a socket, whose descriptor comes first, one JSON line a message. Where
awslambdaric cannot be installed, plain_runtime.py does the same.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

_MARK = "\x1e"


class Invocation:
    """What the runtime asks for an invocation: the names are awslambdaric's."""

    client_context = None
    cognito_identity = None
    tenant_id = None
    content_type = "application/json"
    invocation_id = None

    def __init__(self, message: dict[str, Any]) -> None:
        self.invoke_id: str = message["request_id"]
        self.event_body: str = message["event"]
        self.deadline_time_in_ms: int = message["deadline_ms"]
        self.invoked_function_arn: str = message["function_arn"]
        self.x_amzn_trace_id: str | None = message["trace_id"]


class Client:
    """The runtime's side of the control socket."""

    def __init__(self, descriptor: int, marshaller: Any) -> None:
        self.marshaller = marshaller
        self._socket = socket.socket(fileno=descriptor)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._is_initialized = False

    def wait_next_invocation(self) -> Invocation:
        if not self._is_initialized:
            self._send({"kind": "ready"})
            self._is_initialized = True
        line = self._lines.readline()
        if not line:
            sys.exit(0)  # the service has gone
        return Invocation(json.loads(line))

    def post_invocation_result(self, invoke_id: str, result: str | bytes, *_unused: Any) -> None:
        text = result.decode("utf-8", errors="replace") if isinstance(result, bytes) else result
        self._end(invoke_id, {"kind": "result", "body": text})

    def post_invocation_error(self, invoke_id: str, error: str, *_unused: Any) -> None:
        self._end(invoke_id, {"kind": "error", "body": error})

    def post_init_error(self, error: dict[str, Any], *_unused: Any) -> None:
        self._end("", {"kind": "init_error", "body": json.dumps(error)})

    def _end(self, invoke_id: str, message: dict[str, Any]) -> None:
        """Say that all is logged, on the way that the log takes, and then how the invocation ended."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.write(1, f"{_MARK}{invoke_id}{_MARK}\n".encode())
        self._send(message | {"request_id": invoke_id})

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")


def main() -> None:
    descriptor, tmp, *needed = sys.argv[1:]
    own = str(Path(__file__).resolve().parent)
    sys.path.insert(0, own)
    import private_tmp  # type: ignore[import-not-found]

    try:
        from awslambdaric.bootstrap import run
        from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
    except ImportError:
        from plain_runtime import LambdaMarshaller, run  # type: ignore[import-not-found]
    sys.path.remove(own)
    private_tmp.take(tmp, needed)  # before there is another thread: what it changes is of one
    _end_with_the_service()
    sys.argv = sys.argv[:1]
    run(os.environ["_HANDLER"], Client(int(descriptor), LambdaMarshaller()))


def _end_with_the_service() -> None:
    """Standard input is a pipe that the service holds: when it closes, this process ends, whatever it is doing."""
    lifeline = os.dup(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    main()
