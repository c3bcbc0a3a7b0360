"""Python functions through Lambda's API: what AWS's own runtime makes of results, errors, logs and /tmp."""

from __future__ import annotations

import json
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backend.aws.environment import Environment
from tests.embedded_aws.functions.conftest import ROLE_ARN, Deploy, Function
from tests.embedded_aws.sagemaker.scripted import wait_until

pytestmark = pytest.mark.system


def returning(expression: str) -> str:
    return f"import base64, decimal\ndef lambda_handler(event, context):\n    return {expression}\n"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{'image': base64.b64encode(b'abc')}", {"image": "YWJj"}),
        ("[decimal.Decimal('1.50'), (1, 2), None]", [1.5, [1, 2], None]),
        ("{1: True}", {"1": True}),
        ("'ü'", "ü"),
        ("event", {"any": ["thing"]}),
    ],
)
def test_results_are_serialized_as_aws_does(deploy: Deploy, expression: str, expected: Any) -> None:
    answer = deploy(returning(expression)).invoke({"any": ["thing"]})
    assert (answer.payload, answer.error) == (expected, None)


def test_what_no_json_can_hold_is_a_marshal_error(deploy: Deploy) -> None:
    answer = deploy(returning("{1, 2}")).invoke()
    assert answer.error == "Unhandled"
    assert answer.payload["errorType"] == "Runtime.MarshalError"
    assert answer.payload["errorMessage"] == ("Unable to marshal response: Object of type set is not JSON serializable")


RAISING = """
class ThresholdNotMet(Exception):
    pass

def lambda_handler(event, context):
    raise ThresholdNotMet("0.5 is too low")
"""


def test_an_exception_has_its_own_name_message_and_stack(deploy: Deploy) -> None:
    answer = deploy(RAISING).invoke()
    assert answer.error == "Unhandled"
    assert (answer.payload["errorType"], answer.payload["errorMessage"]) == ("ThresholdNotMet", "0.5 is too low")
    [frame] = answer.payload["stackTrace"]
    assert 'lambda_function.py", line 6, in lambda_handler' in frame
    assert answer.log.startswith("[ERROR] ThresholdNotMet: 0.5 is too low\rTraceback (most recent call last):\r")


@pytest.mark.parametrize(
    ("code", "handler", "error", "message"),
    [
        ("import no_such", "lambda_function.lambda_handler", "Runtime.ImportModuleError", "No module named 'no_such'"),
        ("def", "lambda_function.lambda_handler", "Runtime.UserCodeSyntaxError", "Syntax error in module"),
        ("x = 1", "lambda_function.lambda_handler", "Runtime.HandlerNotFound", "'lambda_handler' missing on module"),
        ("x = 1", "other.lambda_handler", "Runtime.ImportModuleError", "No module named 'other'"),
        ("1 / 0", "lambda_function.lambda_handler", "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_function_that_cannot_begin_says_why(
    deploy: Deploy, code: str, handler: str, error: str, message: str
) -> None:
    answer = deploy(code, handler).invoke()
    assert (answer.error, answer.payload["errorType"]) == ("Unhandled", error)
    assert message in answer.payload["errorMessage"]


def test_a_function_that_ends_its_process_is_served_by_another(deploy: Deploy) -> None:
    function = deploy("import os\ndef lambda_handler(event, context):\n    return os._exit(3) if event else 'alive'\n")
    answer = function.invoke(True)
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert function.invoke().payload == "alive"


def test_a_function_over_its_time_is_ended(deploy: Deploy) -> None:
    code = "import threading\ndef lambda_handler(event, context):\n    threading.Event().wait(60 if event else 0)\n"
    function = deploy(code, timeout=1)
    answer = function.invoke(True)
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert function.invoke().error is None


def test_the_log_is_that_of_the_invocation(deploy: Deploy) -> None:
    code = """
import logging, subprocess, sys
def lambda_handler(event, context):
    print("printed", event)
    logging.getLogger().warning("warned")
    subprocess.run(["echo", "from a program"])
    print("no newline", end="", file=sys.stderr)
"""
    function = deploy(code)
    for number in (1, 2):
        lines = function.invoke(number).log.splitlines()
        assert lines[0] == f"printed {number}"
        assert lines[1].startswith("[WARNING]\t")
        assert lines[1].endswith("\twarned")
        assert lines[2:] == ["from a program", "no newline"]


def test_the_context_is_lambdas(deploy: Deploy) -> None:
    code = """
def lambda_handler(event, context):
    left = context.get_remaining_time_in_millis()
    return [context.function_name, context.invoked_function_arn, context.memory_limit_in_mb, 0 < left <= 10_000]
"""
    function = deploy(code)
    assert function.invoke().payload == [function.name, function.arn, "128", True]


WRITING = """
import os, time
def lambda_handler(event, context):
    found = os.path.exists("/tmp/image.png")
    with open("/tmp/image.png", "w") as file:
        file.write(event["content"])
    time.sleep(event.get("seconds", 0))
    with open("/tmp/image.png") as file:
        return [found, file.read(), os.system("grep -q '^%s$' /tmp/image.png" % event["content"])]
"""


def test_functions_at_the_same_time_do_not_share_tmp(deploy: Deploy) -> None:
    function = deploy(WRITING)
    events = [{"content": str(number), "seconds": 0.5} for number in range(12)]  # each writes while the others wait
    with ThreadPoolExecutor(len(events)) as pool:
        answers = [answer.payload for answer in pool.map(function.invoke, events)]
    assert answers == [[False, str(number), 0] for number in range(12)]
    assert not Path("/tmp/image.png").exists()  # noqa: S108  where they would have written


def test_an_execution_environment_keeps_its_tmp_and_takes_it_along(deploy: Deploy, environment: Environment) -> None:
    function = deploy(WRITING)
    event = {"content": "kept"}
    assert [function.invoke(event).payload[0] for _ in range(2)] == [False, True]
    folders = list((environment.settings.state_dir / "aws" / "ministack" / "tmp").glob(f"function-{function.name}-*"))
    assert len(folders) == 1
    function.client.update_function_configuration(FunctionName=function.name, Timeout=9)
    assert function.invoke(event).payload[0] is False
    wait_until(lambda: not folders[0].exists())


WAITING = """
import socket
def wait(what):
    with socket.create_connection(("127.0.0.1", PORT)) as connection:
        connection.sendall(what)
        connection.recv(1)

wait(b"begins")
import os

def lambda_handler(event, context):
    wait(b"serves")
    return os.environ.get("WHEN", "before")
"""


@pytest.mark.parametrize("when", ["begins", "serves"])
def test_an_update_interrupts_no_invocation_and_the_next_one_has_it(
    deploy: Deploy, environment: Environment, when: str
) -> None:
    with ThreadPoolExecutor() as pool, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def let_go_on() -> str:
            with listener.accept()[0] as connection:
                return connection.recv(6).decode()

        function = deploy(WAITING.replace("PORT", str(listener.getsockname()[1])))
        answer = pool.submit(function.invoke)
        if when == "serves":
            assert let_go_on() == "begins"
        with listener.accept()[0] as waiting:
            assert waiting.recv(6).decode() == when
            function.set_variable("WHEN", "after")
        if when == "begins":
            assert let_go_on() == "serves"
        assert answer.result(20).payload == "before"
        answer = pool.submit(function.invoke)
        assert [let_go_on(), let_go_on()] == ["begins", "serves"]
        assert answer.result(20).payload == "after"
    folder = environment.settings.state_dir / "aws" / "ministack" / "tmp"
    wait_until(lambda: len(list(folder.glob(f"function-{function.name}-*"))) == 1)  # the first one has ended


def test_an_update_while_a_function_is_unpacked_takes_nothing_from_it(deploy: Deploy) -> None:
    function = deploy("import time\ndef lambda_handler(event, context):\n    time.sleep(0.01)\n    return 'done'\n")
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(function.invoke) for _ in range(40)]
        for number in range(20):
            function.set_variable("NUMBER", str(number))
    assert [answer.result().payload for answer in answers] == ["done"] * 40


def definition(function: Function, **members: Any) -> str:
    task: dict[str, Any] = {"Type": "Task", "Resource": function.arn, "End": True}
    states = {"Ask": task | members, "Caught": {"Type": "Pass", "End": True}}
    return json.dumps({"StartAt": "Ask", "States": states})


def run(environment: Environment, text: str) -> dict[str, Any]:
    """What DescribeExecution says of an execution of this definition, at its end."""
    client = environment.stepfunctions
    machine = client.create_state_machine(name=f"m-{uuid.uuid4().hex[:12]}", definition=text, roleArn=ROLE_ARN)
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    wait_until(lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING")
    ended = dict(client.describe_execution(executionArn=arn))
    client.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    return ended


def test_a_catch_by_the_exceptions_name_matches(deploy: Deploy, environment: Environment) -> None:
    catch = [{"ErrorEquals": ["ThresholdNotMet"], "Next": "Caught"}]
    ended = run(environment, definition(deploy(RAISING), Catch=catch))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["Error"] == "ThresholdNotMet"


def test_a_catch_of_another_name_does_not(deploy: Deploy, environment: Environment) -> None:
    ended = run(environment, definition(deploy(RAISING), Catch=[{"ErrorEquals": ["Other"], "Next": "Caught"}]))
    assert (ended["status"], ended["error"]) == ("FAILED", "ThresholdNotMet")
    assert json.loads(ended["cause"])["errorMessage"] == "0.5 is too low"
