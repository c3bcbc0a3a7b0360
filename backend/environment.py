"""Where things run: the one module that knows the embedded AWS from a real account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from backend import local_aws
from backend.errors import ConfigurationError
from backend.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

PROJECT_TAG = "scones:project"
_CLIENT_CONFIG = Config(
    connect_timeout=5, read_timeout=65, retries={"max_attempts": 5, "mode": "standard"}, max_pool_connections=32
)


class EmbeddedSession(boto3.Session):
    """A boto3 session whose clients reach the embedded AWS, whatever the caller's AWS variables say."""

    def __init__(self, aws: local_aws.LocalAws) -> None:
        super().__init__(
            aws_access_key_id=aws.access_key_id,
            aws_secret_access_key=aws.secret_access_key,
            region_name=local_aws.REGION,
        )
        self._aws = aws

    def client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        """As boto3's, led to the embedded service's endpoint."""
        kwargs.setdefault("endpoint_url", self._aws.endpoint_url(service_name))
        return super().client(service_name, *args, **kwargs)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Environment:
    """A place to run: its session and account, and the names that everything there goes by."""

    session: boto3.Session
    region: str
    account: str
    settings: Settings
    close: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    """Ends what opening this environment started: the embedded AWS, or on AWS nothing."""
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    _clients_lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """One client a service, made once: clients are safe to share between threads, making them is not."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self.session.client(service, config=_CLIENT_CONFIG)  # type: ignore[call-overload]
            return self._clients[service]

    @property
    def s3(self) -> S3Client:
        return self.client("s3")  # type: ignore[no-any-return]

    @property
    def sagemaker(self) -> SageMakerClient:
        return self.client("sagemaker")  # type: ignore[no-any-return]

    @property
    def sagemaker_runtime(self) -> SageMakerRuntimeClient:
        return self.client("sagemaker-runtime")  # type: ignore[no-any-return]

    @property
    def stepfunctions(self) -> SFNClient:
        return self.client("stepfunctions")  # type: ignore[no-any-return]

    @property
    def cloudformation(self) -> CloudFormationClient:
        return self.client("cloudformation")  # type: ignore[no-any-return]

    @property
    def lambda_(self) -> LambdaClient:
        return self.client("lambda")  # type: ignore[no-any-return]

    @property
    def logs(self) -> CloudWatchLogsClient:
        return self.client("logs")  # type: ignore[no-any-return]

    @property
    def cloudwatch(self) -> CloudWatchClient:
        return self.client("cloudwatch")  # type: ignore[no-any-return]

    @property
    def sns(self) -> SNSClient:
        return self.client("sns")  # type: ignore[no-any-return]

    @property
    def project(self) -> str:
        return self.settings.project

    @cached_property
    def partition(self) -> str:
        """The ARN's second part: `aws`, `aws-cn`..."""
        return self.session.get_partition_for_region(self.region)

    @property
    def tags(self) -> dict[str, str]:
        """What every resource of this project is tagged with, and found by at cleanup."""
        return {PROJECT_TAG: self.project}

    @property
    def bucket(self) -> str:
        return f"{self.project}-{self.account}-{self.region}"

    @property
    def sagemaker_role_arn(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{self.project}-sagemaker-{self.region}"

    @property
    def foundation_stack(self) -> str:
        """The stack with the bucket, the roles and the notification topic."""
        return f"{self.project}-foundation"

    @property
    def workflow_stack(self) -> str:
        """The stack with the Lambdas and the state machine."""
        return f"{self.project}-workflow"

    @property
    def endpoint_name(self) -> str:
        """One endpoint a project: a newer model replaces the older one behind the same name."""
        return self.project

    @property
    def capture_prefix(self) -> str:
        """The key prefix that data capture writes below, without a trailing slash."""
        return "data_capture"

    @property
    def cache_dir(self) -> Path:
        """A folder for what can be rebuilt from this account's services; one for each account and region."""
        place = f"{self.settings.environment}-{self.account}-{self.region}-{self.project}"
        path = self.settings.state_dir / "cache" / place
        path.mkdir(parents=True, exist_ok=True)
        return path


def open_environment(settings: Settings) -> Environment:
    """Open the environment that the settings name, starting the embedded AWS if that is it.

    Raises ConfigurationError when AWS cannot be used as configured, EmbeddedAwsError when ours does not start.
    """
    if settings.environment == "embedded":
        aws = local_aws.start(settings.state_dir)
        return Environment(EmbeddedSession(aws), local_aws.REGION, aws.account, settings, close=aws.stop)
    session = boto3.Session(region_name=settings.region)
    if not session.region_name:
        raise ConfigurationError("No AWS region is set. Set SCONES_REGION or AWS_REGION, for example to us-east-1.")
    return Environment(session, session.region_name, _account_of(session), settings)


def _account_of(session: boto3.Session) -> str:
    try:
        return session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationError(
            f"AWS did not accept the credentials that boto3 found ({error}). Run `aws configure` or set AWS_PROFILE."
        ) from error
