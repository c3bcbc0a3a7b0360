"""What AWS refuses, in words that help."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from backend.aws.environment import open_environment
from backend.aws.errors import aws_errors
from backend.errors import AwsRequestError, ConfigurationError
from backend.settings import Settings

NO_GPU = (
    "The account-level service limit 'ml.g4dn.xlarge for training job usage' is 0 Instances, with current utilization "
    "of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this "
    "quota."
)
"""What SageMaker says to a new account."""


def refused(code: str, message: str) -> str:
    with pytest.raises(AwsRequestError) as caught, aws_errors("start the training job"):
        raise ClientError({"Error": {"Code": code, "Message": message}}, "CreateTrainingJob")
    return str(caught.value)


def test_a_missing_quota_is_named_with_where_to_ask_for_it() -> None:
    said = refused("ResourceLimitExceeded", NO_GPU)
    assert said.startswith("AWS did not start the training job: The account-level service limit")
    assert 'Service Quotas: Amazon SageMaker, "ml.g4dn.xlarge for training job usage"' in said
    assert "another instance type" not in said


def test_a_quota_without_a_name_gets_no_name() -> None:
    said = refused("LimitExceededException", "Too many stacks.")
    assert said.endswith("Delete what is not needed, or ask for a higher quota in the console of Service Quotas.")


def test_a_profile_that_is_not_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(ConfigurationError, match=r"no-such-profile.*Correct AWS_PROFILE"):
        open_environment(Settings(environment="aws", region="us-east-1"))
