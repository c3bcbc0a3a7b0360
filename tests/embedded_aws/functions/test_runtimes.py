"""The runtime for where awslambdaric has no wheel does as awslambdaric does; and /tmp without namespaces."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import embedded_aws.functions

FOLDER = Path(embedded_aws.functions.__file__).parent
TIMEOUT = 20.0
CODES = {
    "a result": "def handle(event, context):\n    return {'got': event, 'bytes': b'abc'}\n",
    "bytes alone": "def handle(event, context):\n    return b'abc'\n",
    "decimals": "from decimal import Decimal as D\ndef handle(event, context):\n    return [D('1.50'), D('NaN')]\n",
    "what no JSON holds": "def handle(event, context):\n    return object\n",
    "an exception": "def inner():\n    raise KeyError('ü')\ndef handle(event, context):\n    inner()\n",
    "an exception without words": "def handle(event, context):\n    raise ValueError\n",
    "a chained exception": "def handle(event, context):\n    try:\n        1 / 0\n    finally:\n        int('x')\n",
    "logs": (
        "import logging\ndef handle(event, context):\n    print('one')\n    logging.getLogger('x').error('two')\n"
        "    logging.info('three')\n    context.log('four')\n"
    ),
    "the context": (
        "def handle(event, context):\n    return [context.aws_request_id, context.function_name,"
        " context.identity is None, context.client_context, context.memory_limit_in_mb, context.tenant_id]\n"
    ),
    "no such module": "import no_such_module\n",
    "no such handler": "handle_all = None\n",
    "broken syntax": "def handle(event, context)\n    pass\n",
    "an error as it is loaded": "raise RuntimeError('not today')\n",
    "an exit as it is loaded": "import sys\nsys.exit(4)\n",
}


def run(code: str, folder: Path, *, plain: bool, handler: str = "function.handle") -> tuple[list[Any], str, int]:
    """One invocation of a function: the messages of the runtime, its log, and its exit code."""
    task = folder / "task"
    task.mkdir(parents=True)
    (task / "function.py").write_text(code, encoding="utf-8")
    (folder / "tmp").mkdir()
    if plain:
        (folder / "hidden").mkdir()
        (folder / "hidden" / "awslambdaric.py").write_text("raise ImportError('not installed')")
    ours, theirs = socket.socketpair()
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(folder / "hidden"), str(task)]),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "_HANDLER": handler,
    }
    arguments = [str(theirs.fileno()), str(folder / "tmp"), str(folder), str(FOLDER), sys.prefix, sys.base_prefix]
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", str(FOLDER / "bootstrap.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            env=variables,
            cwd=task,
        )
    ours.settimeout(TIMEOUT)
    answers = ours.makefile("r", encoding="utf-8")
    messages = [answers.readline()]
    if '"ready"' in messages[0]:
        question = {
            "request_id": "r-1",
            "event": '{"a": 1}',
            "deadline_ms": 2**45,
            "trace_id": None,
            "function_arn": "a",
        }
        ours.sendall(json.dumps(question).encode() + b"\n")
        messages.append(answers.readline())
    answers.close()
    ours.close()
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin, process.stdout:  # its input stays open until it has ended: it would end with it
        log = process.stdout.read()
        process.wait(TIMEOUT)
    return [_parsed(message, folder) for message in messages], _neutral(log.decode(), folder), process.returncode


def _parsed(message: str, folder: Path) -> Any:
    if not message:
        return None
    content = json.loads(_neutral(message, folder))
    if content["kind"] in ("error", "init_error"):
        content["body"] = json.loads(content["body"])
    return content


def _neutral(text: str, folder: Path) -> str:
    """Without what differs from run to run: folders and times."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text.replace(str(folder), "FOLDER"))
    return re.sub(r"LAMBDA_WARNING: .*|\[WARNING\]Unhandled.*", "WARNING", text)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES.keys())
def test_both_runtimes_do_the_same(code: str, tmp_path: Path) -> None:
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    expected = run(code, tmp_path / "aws", plain=False)
    assert run(code, tmp_path / "plain", plain=True) == expected


@pytest.mark.parametrize("handler", ["handle", "sys.handle", "a/b.handle"])
def test_both_runtimes_refuse_the_same_handlers(handler: str, tmp_path: Path) -> None:
    pytest.importorskip("awslambdaric", reason="awslambdaric is not installed")
    expected = run("", tmp_path / "aws", plain=False, handler=handler)
    assert run("", tmp_path / "plain", plain=True, handler=handler) == expected


REDIRECTED = """
import os, pathlib, shutil, sys, tempfile
sys.path.insert(0, sys.argv[1])
import private_tmp
private_tmp.redirect(sys.argv[2], [sys.argv[3]])
with open("/tmp/image.png", "wb") as file:
    file.write(b"mine")
assert pathlib.Path("/tmp/image.png").read_bytes() == b"mine"
assert os.listdir("/tmp") == ["image.png"]
os.makedirs("/tmp/a/b")
os.rename("/tmp/image.png", "/tmp/a/b/moved.png")
assert not os.path.exists("/tmp/image.png") and os.stat("/tmp/a/b/moved.png").st_size == 4
shutil.copy("/tmp/a/b/moved.png", "/tmp/copy.png")
shutil.rmtree("/tmp/a")
with tempfile.NamedTemporaryFile() as file:
    assert os.path.dirname(file.name) == sys.argv[2] and os.path.exists(file.name)
os.remove("/tmp/copy.png")
assert os.listdir("/tmp") == []
assert pathlib.Path(sys.argv[3], "needed.txt").read_text() == "there"
print("done")
"""


def test_without_namespaces_what_python_writes_to_tmp_goes_elsewhere(tmp_path: Path) -> None:
    (own := tmp_path / "own").mkdir()
    (needed := tmp_path / "needed").mkdir()
    (needed / "needed.txt").write_text("there")
    command = [sys.executable, "-P", "-c", REDIRECTED, str(FOLDER), str(own), str(needed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (done.stdout, done.stderr) == ("done\n", "")
    assert list(own.iterdir()) == []
    assert not Path("/tmp/image.png").exists()  # noqa: S108  where it would have been written
