"""A serving container under SageMaker's contract that does what `script.json` in its model says.

answer, type, status, attributes: what to answer; echo: answer with what came instead. lines: what to print first.
gate: a file without which /ping is not answered with 200; hold: one without which no invocation is answered.
exit: the code to end with at the start; starts: how often it starts, to end at once afterwards.
dies: how many invocations kill it before one is answered; stubborn: whether SIGTERM is ignored.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])
SCRIPT: dict[str, Any] = {}


def serve() -> int:
    SCRIPT.update(json.loads((BASE / "model" / "script.json").read_text()))
    print(SCRIPT.get("lines", "started"), flush=True)
    if "exit" in SCRIPT or count("starts") > SCRIPT.get("starts", 1_000_000):
        return int(SCRIPT.get("exit", 1))
    handler = signal.SIG_IGN if SCRIPT.get("stubborn") else lambda *_: os._exit(0)
    signal.signal(signal.SIGTERM, handler)
    with Server(os.environ["SAGEMAKER_SOCKET"], Handler) as server:
        server.serve_forever()
    return 0


def count(what: str) -> int:
    """How often this was called in this folder, by every container that lived in it."""
    with (BASE / what).open("a+") as file:
        file.write(".")
        return file.tell()


def is_open(gate: str) -> bool:
    return gate not in SCRIPT or Path(SCRIPT[gate]).exists()


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


class Handler(socketserver.StreamRequestHandler):
    """Just enough HTTP: the standard library's own server takes longer to import than all else here."""

    def handle(self) -> None:
        while request := self.rfile.readline():
            headers = dict(self.headers())
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if request.startswith(b"GET /ping "):
                self.reply(200 if is_open("gate") else 503, b"")
            elif request.startswith(b"POST /invocations "):
                self.invoke(headers, body)
            else:
                self.reply(404, b"")

    def headers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def invoke(self, headers: dict[str, str], body: bytes) -> None:
        if "dies" in SCRIPT and count("invocations") <= SCRIPT["dies"]:
            os.kill(os.getpid(), signal.SIGKILL)
        while not is_open("hold"):
            time.sleep(0.01)
        answer = SCRIPT.get("answer", "[0.9, 0.1]")
        if SCRIPT.get("echo"):
            answer = json.dumps({"headers": headers, "size": len(body), "variables": dict(os.environ)})
        self.reply(SCRIPT.get("status", 200), answer.encode())

    def reply(self, status: int, body: bytes) -> None:
        lines = [f"HTTP/1.1 {status} {status}", f"Content-Length: {len(body)}"]
        lines.append(f"Content-Type: {SCRIPT.get('type', 'application/json')}")
        if "attributes" in SCRIPT:
            lines.append(f"X-Amzn-SageMaker-Custom-Attributes: {SCRIPT['attributes']}")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)


if __name__ == "__main__":
    sys.exit(serve())
