"""Tags on every kind of resource, by its ARN."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.embedded_aws.sagemaker.examples import IMAGE_URI
from tests.embedded_aws.sagemaker.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

CreateTagged = Callable[..., str]


@pytest.fixture
def create_tagged(sagemaker: SageMakerClient, unique_name: str) -> CreateTagged:
    """Creates a model with tags; returns its ARN."""

    def create(**tags: str) -> str:
        pairs: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
        container: Any = {"Image": IMAGE_URI}
        created = sagemaker.create_model(ModelName=unique_name, PrimaryContainer=container, Tags=pairs)
        return created["ModelArn"]

    return create


def tags_of(sagemaker: SageMakerClient, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def test_a_resource_has_the_tags_it_was_created_with(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    assert tags_of(sagemaker, create_tagged(project="scones", stage="")) == {"project": "scones", "stage": ""}


def test_adding_answers_with_every_tag(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    arn = create_tagged(a="1", b="2")
    answer = sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "3"}, {"Key": "c", "Value": "4"}])
    assert {tag["Key"]: tag["Value"] for tag in answer["Tags"]} == {"a": "1", "b": "3", "c": "4"}


def test_deleting_removes_the_keys_that_are_named(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    arn = create_tagged(a="1", b="2")
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a", "never-there"])
    assert tags_of(sagemaker, arn) == {"b": "2"}


def test_a_deleted_resource_has_no_tags_to_list(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    arn = create_tagged(a="1")
    sagemaker.delete_model(ModelName=arn.rpartition("/")[2])
    with refused("ValidationException", f'Could not find resource "{arn}".'):
        sagemaker.list_tags(ResourceArn=arn)


def test_a_resource_has_fifty_tags_at_most(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    arn = create_tagged(a="1")
    with refused("ValidationException", "A resource can have 50 tags"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"key-{number}", "Value": ""} for number in range(50)])
    assert tags_of(sagemaker, arn) == {"a": "1"}


def test_a_key_may_come_once_in_a_request(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    with refused("ValidationException", "Duplicate tag keys"):
        sagemaker.add_tags(ResourceArn=create_tagged(), Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])


def test_the_keys_of_aws_are_not_for_others(sagemaker: SageMakerClient, create_tagged: CreateTagged) -> None:
    with refused("ValidationException", "aws: prefixed tag key names are not allowed"):
        sagemaker.add_tags(ResourceArn=create_tagged(), Tags=[{"Key": "aws:mine", "Value": "1"}])
