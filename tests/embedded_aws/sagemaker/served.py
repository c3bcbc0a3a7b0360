"""The embedded SageMaker in this process, whose serving containers are the scripted ones."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import uvicorn
from botocore.config import Config

from backend.aws.environment import Environment
from embedded_aws.sagemaker.account import open_account
from embedded_aws.sagemaker.app import create_app
from embedded_aws.sagemaker.endpoints.worker import Worker
from embedded_aws.sagemaker.limits import Limits
from embedded_aws.sagemaker.service import Service
from tests.embedded_aws.sagemaker.conformance import check_answer
from tests.embedded_aws.sagemaker.examples import IMAGE_URI, variant
from tests.embedded_aws.sagemaker.scripted import wait_until
from tests.embedded_aws.sagemaker.served_setup import (
    archive,
    aws_variables,
    history,
    is_container,
    record_history,
    unique,
)

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

ONCE = Config(retries={"total_max_attempts": 1}, max_pool_connections=32, read_timeout=130)
"""What fails, fails in the test: boto3 asks again by itself otherwise."""
OFTEN: Any = {"Delay": 0.05, "MaxAttempts": 1200}
"""For waiters: containers come up in a tenth of a second here, and boto3 waits for thirty."""
CLIENTS = 4
PROGRAM = (str(Path(__file__).with_name("scripted_server.py")),)
LIMITS = Limits(cores=2, restart_pause_seconds=0.1)


class ServedSageMaker:
    """The service on a folder and a port of its own, with clients, and short ways to what tests need."""

    def __init__(self, folder: Path, environment: Environment, bucket: str, limits: Limits = LIMITS) -> None:
        self.folder = folder
        self.limits = limits
        self.environment = environment
        self.bucket = bucket
        self.sagemaker: SageMakerClient
        self.runtime: SageMakerRuntimeClient

    @property
    def service(self) -> Service:
        service: Service = self._app.state.service
        return service

    def start(self) -> None:
        """Start on the folder, with what an earlier start left there."""
        with aws_variables(self.environment):
            account = open_account(
                self.folder, self.environment.account, self.environment.region, 0.1, PROGRAM, self.limits
            )
        self._app = create_app(account)
        config = uvicorn.Config(self._app, lifespan="on", ws="none", log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # named, for asyncio to send small answers at once
        listener.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]})
        self._thread.start()
        wait_until(lambda: self._server.started)
        self._connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        record_history(self.folder)

    def stop(self) -> None:
        self.sagemaker.close()
        self.runtime.close()
        self._server.should_exit = True
        self._thread.join()

    def restart(self) -> None:
        self.stop()
        self.start()

    def history(self, endpoint: str) -> list[str]:
        """The statuses that an endpoint had, one after the other."""
        return history(self.folder, endpoint)

    def model(self, **script: Any) -> str:
        """The name of a model that does what a script says."""
        return self.model_of(archive({"script.json": json.dumps(script)}))

    def model_of(self, content: bytes, **container_members: Any) -> str:
        """The name of a model with any bytes as its model.tar.gz."""
        name = unique("model")
        self.environment.s3.put_object(Bucket=self.bucket, Key=f"{name}/model.tar.gz", Body=content)
        given: Any = {"Image": IMAGE_URI, "ModelDataUrl": f"s3://{self.bucket}/{name}/model.tar.gz"}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=given | container_members)
        return name

    def config(self, *variants: Any, capture: Any = None) -> str:
        """The name of a configuration."""
        name = unique("config")
        settings: Any = {} if capture is None else {"DataCaptureConfig": capture}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **settings)
        return name

    def config_of(self, capture: Any = None, **script: Any) -> str:
        """The name of a configuration with one variant, AllTraffic, that does what a script says."""
        return self.config(variant(self.model(**script)), capture=capture)

    def create(self, config: str) -> str:
        """The name of an endpoint that is being created."""
        name = unique("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return name

    def serving(self, config: str) -> str:
        """The name of an endpoint in service."""
        name = self.create(config)
        self.reached(name, "InService")
        return name

    def update(self, endpoint: str, config: str) -> None:
        self.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)

    def describe(self, endpoint: str) -> Any:
        return self.sagemaker.describe_endpoint(EndpointName=endpoint)

    def reached(self, endpoint: str, status: str) -> None:
        """Wait until the endpoint has this status."""
        wait_until(lambda: self.describe(endpoint)["EndpointStatus"] == status)

    def gone(self, endpoint: str) -> None:
        """Wait until the endpoint has been deleted."""
        self.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=endpoint, WaiterConfig=OFTEN)

    def invoke(self, endpoint: str, **members: Any) -> Any:
        """The answer of an endpoint, its body read."""
        answer: Any = self.runtime.invoke_endpoint(**{"EndpointName": endpoint, "Body": b"{}"} | members)
        return answer | {"Body": answer["Body"].read()}

    @contextmanager
    def asked(self, endpoint: str) -> Iterator[Future[Any]]:
        """A request that has reached its container, and whose answer is awaited by another thread."""
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(self.invoke, endpoint)
            workers = self.workers(endpoint)
            wait_until(lambda: any(worker.in_flight for worker in workers))
            yield answer

    def workers(self, endpoint: str) -> list[Worker]:
        """What the service knows of the containers that an endpoint serves with now."""
        deployment = self.service.fleet.find(endpoint)
        assert deployment is not None
        return [worker for variant in deployment.variants.values() for worker in variant.workers]

    def containers(self, endpoint: str | None = None) -> list[psutil.Process]:
        """The serving containers that live: all, or those that an endpoint serves with now."""
        folders = [self.folder] if endpoint is None else [worker.folder for worker in self.workers(endpoint)]
        family = psutil.Process().children(recursive=True)
        return [process for process in family if any(is_container(process, folder) for folder in folders)]

    def _connect(self, url: str) -> None:
        session = self.environment.session
        self.sagemaker = session.client("sagemaker", endpoint_url=url, config=ONCE)
        self.sagemaker.meta.events.register("before-parse.sagemaker", check_answer)
        self.runtime = session.client("sagemaker-runtime", endpoint_url=url, config=ONCE)


@contextmanager
def serving(sagemaker: ServedSageMaker) -> Iterator[ServedSageMaker]:
    """A SageMaker that runs while the block lasts."""
    sagemaker.start()
    try:
        yield sagemaker
    finally:
        sagemaker.stop()


@contextmanager
def asked_all_the_time(served: ServedSageMaker, endpoint: str) -> Iterator[Counter[bytes]]:
    """Several clients that ask without a pause or a second attempt while the block lasts: how often which answer came.

    One that is refused fails the test.
    """
    answers: Counter[bytes] = Counter()
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            answers[served.invoke(endpoint)["Body"]] += 1

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(ask) for _ in range(CLIENTS)]
        try:
            yield answers
        finally:
            end.set()
        for client in clients:
            client.result()
