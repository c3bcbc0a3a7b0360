"""What goes wrong around the workflow: each image has a verdict in the end, or an error with a name.

The endpoint is a server of the test's own, which ClassifyImage asks as it would SageMaker. What happens without an
endpoint, an image or a topic is in test_deployment.py and test_paths.py, what a killed service costs in test_batch.py.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backend import cleanup, workflow
from backend.aws.environment import Environment
from backend.workflow import Execution, Outcome
from tests.machine import picture
from tests.projects import of_project

pytestmark = pytest.mark.system

KEYS = [f"uploads/{number:02}.png" for number in range(12)]
SECONDS = 60


class Endpoint:
    """Answers as an endpoint of SageMaker does; `decide` says how, with an image's id and how often it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.decide: Callable[[str, int], int] = _answer
        self.is_over = threading.Event()
        self.port = 0
        self.open()

    def open(self) -> None:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                name = self.headers["X-Amzn-SageMaker-Inference-Id"]
                self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.asked[name] += 1
                status = endpoint.decide(name, endpoint.asked[name])
                body = b"[0.99, 0.01]" if status == 200 else b'{"message": "Not now."}'
                with suppress(ConnectionError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def hang(self, _name: str, _times: int) -> int:
        self.is_over.wait(SECONDS)
        return 500

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _answer(_name: str, _times: int) -> int:
    return 200


@pytest.fixture(scope="module")
def opened() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.is_over.set()
    endpoint.close()


@pytest.fixture
def endpoint(opened: Endpoint) -> Iterator[Endpoint]:
    opened.asked.clear()
    yield opened
    opened.decide = _answer


@pytest.fixture(scope="module")
def project(environment: Environment, opened: Endpoint) -> Iterator[Environment]:
    """A project with its workflow as it is deployed, asking that endpoint."""
    own = of_project(environment, "scones-faults")
    workflow.deploy_workflow(own, "faulty", ("bicycle", "motorcycle"), 0.9)
    ask(own, opened.port)
    yield own
    cleanup.delete_resources(own, cleanup.list_resources(own))


@pytest.fixture(autouse=True)
def images(project: Environment) -> None:
    for key in KEYS:
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=picture(key))


def ask(project: Environment, port: int, timeout: int = 70) -> None:
    variables = {"ENDPOINT_NAME": "faulty", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"http://127.0.0.1:{port}"}
    project.lambda_.update_function_configuration(
        FunctionName=project.names.function("classify_image"), Environment={"Variables": variables}, Timeout=timeout
    )


def ends(executions: list[Execution]) -> Counter[tuple[Outcome, str | None]]:
    return Counter((one.outcome, one.error) for one in executions)


def test_an_endpoint_that_fails_half_its_calls_costs_no_image(project: Environment, endpoint: Endpoint) -> None:
    endpoint.decide = lambda _name, times: 503 if times == 1 else 200
    assert ends(workflow.run_batch(project, KEYS)) == {(Outcome.PASSED, None): len(KEYS)}
    assert set(endpoint.asked.values()) == {2}


def test_an_endpoint_that_is_away_for_a_while_costs_no_image(project: Environment, endpoint: Endpoint) -> None:
    """As a SageMaker that is killed, and started again: nothing listens there meanwhile."""
    timers: list[threading.Timer] = []

    def leave(_share: float, _text: str) -> None:
        if not timers:
            endpoint.close()
            timers.append(threading.Timer(1.0, endpoint.open))
            timers[0].start()

    executions = workflow.run_batch(project, KEYS, leave)
    timers[0].join()
    assert {one.error for one in executions} <= {None, "AnswerLost"}  # what it had taken as it went
    assert sum(one.outcome is Outcome.PASSED for one in executions) >= len(KEYS) - 8


def test_an_image_that_is_deleted_after_it_was_sent_has_a_verdict_or_is_missing(
    project: Environment, endpoint: Endpoint
) -> None:
    numbers = iter(KEYS)

    def delete(**_: object) -> None:
        project.s3.delete_object(Bucket=project.bucket, Key=next(numbers))

    events = project.stepfunctions.meta.events
    events.register("after-call.stepfunctions.StartExecution", delete)
    try:
        executions = workflow.run_batch(project, KEYS)
    finally:
        events.unregister("after-call.stepfunctions.StartExecution", delete)
    assert next(numbers, None) is None
    assert {(one.outcome, one.error) for one in executions} <= {
        (Outcome.PASSED, None),
        (Outcome.FAILED, "ImageMissing"),
    }
    for one in executions:
        assert (one.verdict is not None) == (one.outcome is Outcome.PASSED)


def test_a_function_over_its_time_fails_its_image_which_is_not_asked_about_again(
    project: Environment, endpoint: Endpoint
) -> None:
    """Nobody knows whether the endpoint took it."""
    ask(project, endpoint.port, timeout=1)
    endpoint.decide = lambda name, times: endpoint.hang(name, times) if name.startswith("03-") else 200
    executions = workflow.run_batch(project, KEYS[:4])
    assert ends(executions) == {(Outcome.PASSED, None): 3, (Outcome.FAILED, "Sandbox.Timedout"): 1}
    assert executions[3].error == "Sandbox.Timedout"
    assert set(endpoint.asked.values()) == {1}
