"""Links into AWS's console, in each partition."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.aws.console import execution_url, s3_url, sagemaker_url
from backend.aws.environment import Environment


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/arn:aws:"),
        ("cn-north-1", "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/executions/details/arn:aws-cn:"),
        ("us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/states/home?region=us-gov-west-1#"),
        ("us-iso-east-1", None),
    ],
)  # fmt: skip
def test_an_execution_is_shown_by_the_console_of_its_partition(
    environment: Environment, region: str, url: str | None
) -> None:
    """Source: the consoles' addresses, in the AWS documents of each partition; the isolated ones publish none."""
    found = execution_url(replace(environment, region=region, has_console=True), "a-name")
    assert (found or "").startswith(url or "none") or (found, url) == (None, None)
    if found:
        assert found.endswith(f":states:{region}:000000000000:execution:{environment.project}:a-name")


def test_what_sagemaker_and_s3_have_is_shown_by_their_consoles(environment: Environment) -> None:
    """Source: the addresses of the consoles of SageMaker and S3."""
    on_aws = replace(environment, region="eu-west-1", has_console=True)
    console = "https://eu-west-1.console.aws.amazon.com"
    assert sagemaker_url(on_aws, "endpoints", "bikes") == f"{console}/sagemaker/home?region=eu-west-1#/endpoints/bikes"
    found = s3_url(on_aws, "s3://bucket/models/a/model.tar.gz")
    assert found == f"{console}/s3/object/bucket?region=eu-west-1&prefix=models/a/model.tar.gz"
    found = s3_url(on_aws, "s3://bucket/captured/")
    assert found == f"{console}/s3/buckets/bucket?region=eu-west-1&prefix=captured/"


def test_the_embedded_aws_has_no_console(environment: Environment) -> None:
    assert execution_url(environment, "a-name") is None
    assert sagemaker_url(environment, "jobs", "a-name") is None
    assert s3_url(environment, "s3://bucket/key") is None
