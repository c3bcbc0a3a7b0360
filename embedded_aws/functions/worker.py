"""One execution environment of a Python function: a process that runs AWS's runtime, with a /tmp of its own."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from ministack.core.lambda_runtime import Worker, execution_credentials, kill_workers
from ministack.core.responses import get_region, new_uuid
from ministack.services.lambda_svc import _resolve_layer_zip, _runtime_env_vars

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_MARK = "\x1e"
_INIT_SECONDS = 10.0
"""AWS's limit for what a function does before its first invocation."""
_LOG_SECONDS = 0.5
_MAX_RESULT_BYTES = 6_291_556
"""Source: AWS Lambda developer guide, "Lambda quotas" (6 MB), and the number in the service's own message."""
_NOT_PASSED_ON = ("TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")

Answer = dict[str, str]
"""How an invocation ended: `kind` is result, error or init_error, `body` is JSON text."""


class PythonWorker(Worker):  # type: ignore[misc]  # published without types
    """MiniStack's place in its pool of workers, with another process behind it.

    MiniStack calls `invoke`, from one thread at a time, and `kill`, which ends `_proc` and removes `_tmpdir`.
    """

    def __init__(self, func_name: str, config: Mapping[str, Any], code_zip: bytes) -> None:
        super().__init__(func_name, config, code_zip)
        self._timeout = float(config.get("Timeout", 3))
        self._is_retired = False
        self._log_lines: queue.Queue[str] = queue.Queue()
        self._control: socket.socket | None = None
        self._answers: IO[str] | None = None

    def invoke(
        self, event: Any, request_id: str, *, trace_id: str | None = None, invoked_function_arn: str | None = None
    ) -> dict[str, Any]:
        """Run the function once; answers as MiniStack's ProvidedWorker does: status, result or error_payload, log."""
        try:
            return self._invoke(event, request_id, trace_id, invoked_function_arn)
        finally:
            if self._is_retired:
                kill_workers([self])

    def retire(self) -> None:
        """End it, once it has answered what it is asked just now: on AWS an update interrupts no invocation."""
        self._is_retired = True
        if self._lock.acquire(blocking=False):  # else `invoke` ends it
            try:
                kill_workers([self])
            finally:
                self._lock.release()

    def _invoke(
        self, event: Any, request_id: str, trace_id: str | None, invoked_function_arn: str | None
    ) -> dict[str, Any]:
        with self._lock:
            is_cold = self._proc is None or self._proc.poll() is not None
            answer = self._start() if is_cold else None
            if answer is None:
                arn = invoked_function_arn or self.config.get("FunctionArn", "")
                answer = self._ask(event, request_id, trace_id, arn)
            log = self._read_log(request_id if answer["kind"] in ("result", "error") else "")
            if answer["kind"] not in ("result", "error"):  # the process has ended, or must: it is in an unknown state
                kill_workers([self])
            return _as_ministack(answer, request_id) | {"cold_start": is_cold, "log": log}

    def _spawn(self) -> None:
        """As MiniStack asks for it where a function is to be ready before it is invoked."""
        if (failure := self._start()) is not None:
            raise RuntimeError(failure["body"])

    def _start(self) -> Answer | None:
        """Start the process and wait until it is ready, which is None; else how it failed."""
        kill_workers([self])
        folder = Path(tempfile.mkdtemp(prefix=f"function-{self.func_name}-"))
        self._tmpdir = str(folder)
        (folder / "tmp").mkdir(mode=0o700)
        code, layers = _unpack(folder, self.config, self.code_zip)
        ours, theirs = socket.socketpair()
        needed = [str(folder), str(_BOOTSTRAP.parent), *_interpreter_folders()]
        with theirs:
            self._proc = subprocess.Popen(  # noqa: S603  our own script, with our own interpreter
                [sys.executable, "-P", str(_BOOTSTRAP), str(theirs.fileno()), str(folder / "tmp"), *needed],
                cwd=code,
                env=_variables(self.config, code, layers),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
            )
        self._control, self._answers, self._log_lines = ours, ours.makefile("r", encoding="utf-8"), queue.Queue()
        arguments = (self._proc.stdout, self._log_lines)
        threading.Thread(target=_read_lines, args=arguments, name=f"log of {self.func_name}", daemon=True).start()
        # AWS begins anew, in the function's own time, when the first ten seconds do not do.
        answer = self._receive(time.monotonic() + _INIT_SECONDS + self._timeout)
        return None if answer["kind"] == "ready" else answer

    def _ask(self, event: Any, request_id: str, trace_id: str | None, function_arn: str) -> Answer:
        deadline = time.monotonic() + self._timeout
        message = {
            "request_id": request_id,
            "event": json.dumps(event),
            "deadline_ms": int((time.time() + self._timeout) * 1000),
            "trace_id": trace_id,
            "function_arn": function_arn,
        }
        assert self._control is not None  # noqa: S101  _start made it
        try:
            self._control.settimeout(self._timeout)
            self._control.sendall(json.dumps(message).encode() + b"\n")
        except TimeoutError:
            return self._timed_out()
        except OSError:
            return self._exited()
        return self._receive(deadline)

    def _receive(self, deadline: float) -> Answer:
        """The next message, or that there is none: at the deadline, or because the process has ended."""
        assert self._control is not None  # noqa: S101  _start made it
        assert self._answers is not None  # noqa: S101  _start made it
        try:
            self._control.settimeout(max(0.001, deadline - time.monotonic()))
            line = self._answers.readline()
        except TimeoutError:
            return self._timed_out()
        except OSError:
            return self._exited()
        answer: Answer = json.loads(line) if line else self._exited()
        return answer

    def _timed_out(self) -> Answer:
        return {"kind": "Sandbox.Timedout", "body": f"Error: Task timed out after {self._timeout:.2f} seconds"}

    def _exited(self) -> Answer:
        """Source: messages of AWS Lambda, which names the exit status or the signal."""
        assert self._proc is not None  # noqa: S101  _start made it
        try:
            code = self._proc.wait(1.0)
        except subprocess.TimeoutExpired:
            reason = "Runtime exited without providing a reason"
        else:
            status = f"signal: {-code}" if code < 0 else f"exit status {code}"
            reason = f"Runtime exited with error: {status}" if code else "Runtime exited without providing a reason"
        return {"kind": "Runtime.ExitError", "body": f"Error: {reason}"}

    def _read_log(self, request_id: str) -> str:
        """What was written up to the mark that ends this invocation; without one, what came until now."""
        lines: list[str] = []
        end = f"{_MARK}{request_id}{_MARK}"
        deadline = time.monotonic() + _LOG_SECONDS
        while True:
            try:
                line = self._log_lines.get(timeout=max(0.0, deadline - time.monotonic()) if request_id else 0.05)
            except queue.Empty:
                break
            text, mark, _ = line.partition(end if request_id else _MARK)
            if text or not mark:
                lines.append(text)
            if mark:
                break
        return "\n".join(lines)

    def _discard_tmpdir(self) -> None:
        if self._control is not None:
            self._control.close()
        super()._discard_tmpdir()


def _read_lines(stream: IO[bytes], lines: queue.Queue[str]) -> None:
    with stream:
        for line in stream:
            lines.put(line.decode("utf-8", errors="replace").rstrip("\r\n"))


def _as_ministack(answer: Answer, request_id: str) -> dict[str, Any]:
    kind, body = answer["kind"], answer["body"]
    if kind == "result":
        size = len(body.encode())
        if size <= _MAX_RESULT_BYTES:
            return {"status": "ok", "result": _parsed(body)}
        kind = "Function.ResponseSizeTooLarge"
        message = f"Response payload size exceeded maximum allowed payload size ({_MAX_RESULT_BYTES} bytes)."
    elif kind in ("error", "init_error"):
        payload = json.loads(body)
        return {"status": "error", "error": payload["errorMessage"], "error_payload": payload}
    else:
        message = f"RequestId: {request_id} {body}"
    return {"status": "error", "error": message, "error_payload": {"errorType": kind, "errorMessage": message}}


def _parsed(body: str) -> Any:
    """The result; a function that returns bytes may return what is no JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def _unpack(folder: Path, config: Mapping[str, Any], code_zip: bytes) -> tuple[Path, list[Path]]:
    """The function's code and its layers, each in a folder of its own."""
    code = _extract(folder / "task", code_zip)
    layers = []
    for number, layer in enumerate(config.get("Layers") or []):
        content = _resolve_layer_zip(layer)
        if content:
            layers.append(_extract(folder / f"layer-{number}", content))
    return code, layers


def _extract(folder: Path, content: bytes) -> Path:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder


def _variables(config: Mapping[str, Any], code: Path, layers: Sequence[Path]) -> dict[str, str]:
    """Lambda's defined variables, and what leads clients to the embedded AWS.

    Source: AWS Lambda developer guide, "Defined runtime environment variables".
    """
    name = config.get("FunctionName", "")
    inherited = {key: value for key, value in os.environ.items() if key not in _NOT_PASSED_ON}
    own = {
        "AWS_REGION": get_region(),
        "AWS_DEFAULT_REGION": get_region(),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'python3.13')}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": new_uuid(),
        "LAMBDA_TASK_ROOT": str(code),
        "PYTHONPATH": os.pathsep.join([str(code), *map(str, _layer_paths(layers))]),
        "PYTHONDONTWRITEBYTECODE": "1",  # the code is read-only on AWS
        "TZ": ":UTC",
        "_HANDLER": config.get("Handler", ""),
    }
    chosen = {key: str(value) for key, value in _runtime_env_vars(config).items()}
    return {
        **inherited,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        **chosen,
        **own,
        **execution_credentials(config),
    }


def _layer_paths(layers: Iterable[Path]) -> list[Path]:
    """Where Lambda finds a Python layer's modules, in its order."""
    found = []
    for layer in layers:
        found += [layer / "python", *sorted(layer.glob("python/lib/python3.*/site-packages"))]
    return found


def _interpreter_folders() -> list[str]:
    return [sys.prefix, sys.base_prefix, str(Path(sys.executable).parent)]
