"""Copies of an environment: what they share, and what they do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backend import monitoring
from backend.aws.environment import Environment, Session
from backend.errors import CaptureUnavailable
from tests.projects import of_project

SERVICES = ("s3", "sagemaker", "sagemaker_runtime", "stepfunctions", "cloudformation", "lambda_", "logs")


class StrangersSession(Session):
    """Reaches the same embedded AWS, with a key that is not its installation's."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(
            aws_access_key_id="AKIASTRANGER", aws_secret_access_key="wrong", region_name=environment.region
        )
        self._environment = environment

    def client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:
        reached = self._environment.session.shared_client(service_name)
        kwargs["endpoint_url"] = reached.meta.endpoint_url
        return super().client(service_name, *args, **kwargs)  # type: ignore[call-overload]


@dataclass(frozen=True)
class Pair:
    """An environment whose clients were used already, and a copy of it with a stranger's session."""

    original: Environment
    copy: Environment


@pytest.fixture
def pair(environment: Environment, tmp_path: Path) -> Pair:
    original = of_project(environment, "scones-copied", tmp_path)
    original.s3.list_buckets()
    return Pair(original, replace(original, session=StrangersSession(environment)))


def test_a_copy_with_another_session_asks_with_that_sessions_credentials(pair: Pair) -> None:
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        pair.copy.s3.list_buckets()
    pair.original.s3.list_buckets()


@pytest.mark.parametrize("service", SERVICES)
def test_a_copy_with_another_session_has_clients_of_its_own(pair: Pair, service: str) -> None:
    assert getattr(pair.copy, service) is not getattr(pair.original, service)


def test_captures_are_read_with_the_copys_credentials(pair: Pair) -> None:
    pair.original.s3.create_bucket(Bucket=pair.original.bucket)
    monitoring.refresh_captures(pair.original)
    with pytest.raises(CaptureUnavailable, match="cannot be listed"):
        monitoring.refresh_captures(pair.copy)


@pytest.mark.parametrize("service", SERVICES)
def test_another_project_shares_the_sessions_clients(environment: Environment, service: str) -> None:
    """To make one takes tens of milliseconds."""
    assert getattr(of_project(environment, "scones-other"), service) is getattr(environment, service)


def test_another_project_has_names_of_its_own(environment: Environment) -> None:
    assert environment.names.project == environment.project  # read before the copy is made
    other = of_project(environment, "scones-other")
    assert other.bucket.startswith("scones-other-")
    assert other.tags == {"scones:project": "scones-other"}


def test_looking_where_the_cache_and_the_downloads_are_makes_nothing(environment: Environment, tmp_path: Path) -> None:
    own = of_project(environment, "scones-looked-at", tmp_path / "state")
    assert own.cache_dir.is_relative_to(tmp_path / "state")
    assert own.downloads_dir.is_relative_to(tmp_path / "state")
    assert not list(tmp_path.iterdir())
