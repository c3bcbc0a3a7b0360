"""Where things run: the one module that knows the embedded AWS from a real account."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, HTTPClientError

import embedded_aws
from backend.aws.attachment import EmbeddedAttachment
from backend.aws.names import PROJECT_TAG, Names
from backend.errors import ConfigurationError, EmbeddedAwsUnavailable
from backend.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import TagTypeDef
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

_CLIENT_CONFIG = Config(
    connect_timeout=5, read_timeout=65, retries={"max_attempts": 5, "mode": "standard"}, max_pool_connections=32
)


class Session(boto3.Session):
    """A boto3 session that makes one client a service: to share it between threads is safe, to make it there is not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shared: dict[str, Any] = {}
        self._making = threading.Lock()

    def shared_client(self, service: str) -> Any:
        """The one client of this session for a service."""
        with self._making:
            if service not in self._shared:
                self._shared[service] = self.client(service, config=_CLIENT_CONFIG)  # type: ignore[call-overload]
            return self._shared[service]


class EmbeddedSession(Session):
    """A session whose clients reach the embedded AWS, whatever the caller's AWS variables say.

    They go on reaching it when it ended and had to be started again, also those that were made before.
    """

    def __init__(self, aws: embedded_aws.EmbeddedAws) -> None:
        super().__init__(
            aws_access_key_id=aws.access_key_id,
            aws_secret_access_key=aws.secret_access_key,
            region_name=embedded_aws.REGION,
        )
        self._attachment = EmbeddedAttachment(aws, self._follow)
        self.events.register("before-sign", self._lead)
        self.events.register("response-received", self._note)

    def client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        """As boto3's, led to the embedded service's endpoint."""
        kwargs.setdefault("endpoint_url", self._attachment.aws.endpoint_url(service_name))
        return super().client(service_name, *args, **kwargs)  # type: ignore[call-overload]

    def shared_client(self, service: str) -> Any:
        """The one client of this session for a service, where that is now; raises EmbeddedAwsUnavailable."""
        self._attachment.current()
        return super().shared_client(service)

    def close(self) -> None:
        """End the embedded AWS if this process started it; from now on nothing starts it again."""
        self._attachment.close()

    def _lead(self, request: AWSRequest, event_name: str, **_: Any) -> None:
        """To where its service is now: each time that a request is sent, before it is signed for that address."""
        aws = self._attachment.current()
        parts = urlsplit(str(request.url))
        if f"{parts.scheme}://{parts.netloc}" in self._attachment.addresses:
            now = urlsplit(aws.endpoint_url(event_name.split(".")[1]))
            request.url = urlunsplit(parts._replace(netloc=now.netloc))

    def _note(self, exception: Exception | None = None, **_: Any) -> None:
        if isinstance(exception, EndpointConnectionError | HTTPClientError):
            self._attachment.doubt()

    def _follow(self, aws: embedded_aws.EmbeddedAws) -> None:
        """Take over what another start has anew: its secret where the folder was deleted, and its ports."""
        if (credentials := self.get_credentials()) is not None:
            credentials.secret_key = aws.secret_access_key
        with self._making:
            self._shared.clear()


@dataclass(frozen=True)
class Environment:
    """Where a project runs: session, region and account, and the names that everything there goes by."""

    session: Session
    region: str
    account: str
    settings: Settings
    close: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    """Ends what opening this environment started: the embedded AWS, or on AWS nothing."""
    has_console: bool = True
    """Whether AWS's own console shows what is there."""

    @property
    def s3(self) -> S3Client:
        return self.session.shared_client("s3")  # type: ignore[no-any-return]

    @property
    def sagemaker(self) -> SageMakerClient:
        return self.session.shared_client("sagemaker")  # type: ignore[no-any-return]

    @property
    def sagemaker_runtime(self) -> SageMakerRuntimeClient:
        return self.session.shared_client("sagemaker-runtime")  # type: ignore[no-any-return]

    @property
    def stepfunctions(self) -> SFNClient:
        return self.session.shared_client("stepfunctions")  # type: ignore[no-any-return]

    @property
    def cloudformation(self) -> CloudFormationClient:
        return self.session.shared_client("cloudformation")  # type: ignore[no-any-return]

    @property
    def lambda_(self) -> LambdaClient:
        return self.session.shared_client("lambda")  # type: ignore[no-any-return]

    @property
    def logs(self) -> CloudWatchLogsClient:
        return self.session.shared_client("logs")  # type: ignore[no-any-return]

    @property
    def sns(self) -> SNSClient:
        return self.session.shared_client("sns")  # type: ignore[no-any-return]

    @property
    def sqs(self) -> SQSClient:
        return self.session.shared_client("sqs")  # type: ignore[no-any-return]

    @property
    def project(self) -> str:
        return self.settings.project

    @cached_property
    def names(self) -> Names:
        partition = self.session.get_partition_for_region(self.region)
        return Names(self.project, self.account, self.region, partition)

    @property
    def bucket(self) -> str:
        """The project's one bucket."""
        return self.names.bucket

    @property
    def tags(self) -> dict[str, str]:
        """What every resource of this project is tagged with, and found by at cleanup."""
        return {PROJECT_TAG: self.project}

    @property
    def tag_list(self) -> list[TagTypeDef]:
        """The tags as SageMaker and CloudFormation take them."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    @property
    def cache_dir(self) -> Path:
        """The folder for what can be rebuilt from this account's services; one for each account and region.

        Whoever writes there makes it.
        """
        name = f"{self.settings.environment}-{self.account}-{self.region}-{self.project}"
        return self.settings.state_dir / "cache" / name

    @property
    def downloads_dir(self) -> Path:
        """The folder for archives that were downloaded or drawn, shared by every project on this state folder."""
        return self.settings.state_dir / "downloads"


def open_environment(settings: Settings) -> Environment:
    """Open the environment that the settings name, starting the embedded AWS if that is it.

    Raises ConfigurationError when AWS cannot be used as configured, EmbeddedAwsUnavailable when ours does not start.
    """
    if settings.environment == "embedded":
        return _open_embedded(settings)
    try:
        session = Session(region_name=settings.region)
    except BotoCoreError as error:
        raise ConfigurationError(
            f"boto3 cannot use the AWS command line's configuration: {error}. Correct AWS_PROFILE or ~/.aws/config."
        ) from error
    if not session.region_name:
        raise ConfigurationError("No AWS region is set. Set SCONES_REGION or AWS_REGION, for example to us-east-1.")
    return Environment(session, session.region_name, _account_of(session), settings)


def _open_embedded(settings: Settings) -> Environment:
    try:
        aws = embedded_aws.start(settings.state_dir)
    except embedded_aws.EmbeddedAwsError as error:
        raise EmbeddedAwsUnavailable(str(error)) from error
    session = EmbeddedSession(aws)
    return Environment(session, embedded_aws.REGION, aws.account, settings, close=session.close, has_console=False)


def _account_of(session: Session) -> str:
    try:
        return session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise ConfigurationError(
            f"AWS did not accept the credentials that boto3 found ({error}). Run `aws configure` or set AWS_PROFILE."
        ) from error
