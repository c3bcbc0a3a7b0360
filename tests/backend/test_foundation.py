"""The foundation: it comes back whatever of it is left, goes on from older versions, and takes nobody's bucket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from backend import cleanup, foundation
from backend.aws import stacks
from backend.aws.environment import Environment
from backend.errors import AwsRequestError, StackFailed
from tests import answers
from tests.projects import of_project

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TagTypeDef

PUBLIC_ACCESS_IS_BLOCKED = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": {"Fn::Sub": "${Project}-sagemaker-${AWS::Region}"},
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        },
        "Policies": [
            {
                "PolicyName": "train-serve-and-capture",
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "s3:GetObject",
                            "Resource": {"Fn::Sub": "arn:${AWS::Partition}:s3:::${Bucket}/*"},
                        }
                    ],
                },
            }
        ],
    },
}
RESOURCES = {"SageMakerRole", "Topic", "Inbox", "InboxPolicy", "InboxSubscription"}
PARAMETERS = ("Project", "Bucket")
BROKEN = {"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE", "TargetFunctionArn": "no-such-function"}}
OLD_TEMPLATE = {  # as it was while the bucket was part of the stack
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Project": {"Type": "String"}},
    "Resources": {
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"BucketName": {"Fn::Sub": "${Project}-${AWS::AccountId}-${AWS::Region}"}},
        },
        "SageMakerRole": ROLE,
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::Sub": "${Project}-notifications"}}},
    },
    "Outputs": {"TopicArn": {"Value": {"Ref": "Topic"}}},
}


@pytest.fixture
def project(environment: Environment, tmp_path: Path) -> Iterator[Environment]:
    """A project of its own on the shared embedded AWS; whatever is left of it goes."""
    opened = of_project(environment, "scones-found", tmp_path)
    yield opened
    cleanup.delete_resources(opened, cleanup.list_resources(opened))


@pytest.fixture
def old(project: Environment) -> Environment:
    """The project as the version before left it: its bucket, with an image in it, in its stack."""
    name = project.names.foundation_stack
    project.cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(OLD_TEMPLATE),
        Parameters=[{"ParameterKey": "Project", "ParameterValue": project.project}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=project.tag_list,
    )
    project.cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    put_image(project)
    return project


def put_image(project: Environment, key: str = "uploads/mine.png") -> None:
    project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"mine")


def image(project: Environment, key: str = "uploads/mine.png") -> bytes:
    return project.s3.get_object(Bucket=project.bucket, Key=key)["Body"].read()


def tags(project: Environment) -> list[Any]:
    return project.s3.get_bucket_tagging(Bucket=project.bucket)["TagSet"]


def status(project: Environment) -> str:
    [stack] = project.cloudformation.describe_stacks(StackName=project.names.foundation_stack)["Stacks"]
    return stack["StackStatus"]


def resources(project: Environment) -> set[str]:
    """The logical ids in the stack."""
    answer = project.cloudformation.describe_stack_resources(StackName=project.names.foundation_stack)
    return {item["LogicalResourceId"] for item in answer["StackResources"]}


def test_the_bucket_is_private_encrypted_and_tagged(project: Environment) -> None:
    foundation.deploy_foundation(project)
    access = project.s3.get_public_access_block(Bucket=project.bucket)["PublicAccessBlockConfiguration"]
    assert access == PUBLIC_ACCESS_IS_BLOCKED
    [rule] = project.s3.get_bucket_encryption(Bucket=project.bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert tags(project) == [{"Key": "scones:project", "Value": "scones-found"}]
    assert resources(project) == RESOURCES


def test_it_comes_back_after_its_stack_alone_was_deleted(project: Environment) -> None:
    foundation.deploy_foundation(project)
    put_image(project)
    foundation.delete_foundation(project)
    foundation.deploy_foundation(project)
    assert status(project) == "CREATE_COMPLETE"
    assert image(project) == b"mine"


def test_it_comes_back_after_a_first_creation_failed(
    project: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = json.dumps(
        {"Resources": {"Broken": BROKEN}, "Parameters": {name: {"Type": "String"} for name in PARAMETERS}}
    )
    (tmp_path / "foundation.yaml").write_text(template, encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(stacks, "TEMPLATES", tmp_path)
        with pytest.raises(StackFailed, match=r"ROLLBACK_COMPLETE: Broken: .*no-such-function"):
            foundation.deploy_foundation(project)
    foundation.deploy_foundation(project)
    assert status(project) == "CREATE_COMPLETE"


def test_an_older_versions_stack_goes_on_and_loses_no_bucket(old: Environment) -> None:
    foundation.deploy_foundation(old)
    assert status(old) == "UPDATE_COMPLETE"
    assert resources(old) == RESOURCES
    assert image(old) == b"mine"
    assert {"Key": "scones:project", "Value": "scones-found"} in tags(old)
    foundation.deploy_foundation(old)
    foundation.delete_foundation(old)
    assert image(old) == b"mine"


def test_an_older_versions_bucket_is_ours_whatever_its_person_put_there(old: Environment) -> None:
    put_image(old, "my-notebooks/mine.ipynb")
    foundation.deploy_foundation(old)
    assert {"Key": "scones:project", "Value": "scones-found"} in tags(old)


def test_an_older_versions_bucket_is_taken_over_after_its_stack_was_deleted(old: Environment) -> None:
    foundation.delete_foundation(old)
    foundation.deploy_foundation(old)
    assert status(old) == "CREATE_COMPLETE"
    assert image(old) == b"mine"


def test_a_foundation_that_the_version_before_could_not_mend_is_mended(old: Environment) -> None:
    """Its stack was deleted, and its bucket kept the next one from being made."""
    foundation.delete_foundation(old)
    name = old.names.foundation_stack
    old.cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(OLD_TEMPLATE),
        Parameters=[{"ParameterKey": "Project", "ParameterValue": old.project}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=old.tag_list,
    )
    old.cloudformation.get_waiter("stack_exists").wait(StackName=name)
    foundation.deploy_foundation(old)
    assert status(old) == "CREATE_COMPLETE"
    assert image(old) == b"mine"


def test_a_creation_that_was_cut_off_is_finished(project: Environment) -> None:
    """All that a killed one may have left is an empty bucket."""
    project.s3.create_bucket(Bucket=project.bucket)
    foundation.deploy_foundation(project)
    assert tags(project) == [{"Key": "scones:project", "Value": "scones-found"}]


def test_an_untagged_bucket_that_holds_nothing_but_what_this_project_keeps_is_taken_over(project: Environment) -> None:
    project.s3.create_bucket(Bucket=project.bucket)
    for key in ("batches/1/manifest.json", "ground-truth/2026/11/26/04/a.jsonl", "pipeline/run.json"):
        put_image(project, key)
    foundation.deploy_foundation(project)
    assert tags(project) == [{"Key": "scones:project", "Value": "scones-found"}]


@pytest.fixture
def taken(project: Environment) -> Iterator[Environment]:
    """The bucket's name is taken in this account, by something of somebody else's."""
    project.s3.create_bucket(Bucket=project.bucket)
    put_image(project, "theses/mine.pdf")
    yield project
    project.s3.delete_object(Bucket=project.bucket, Key="theses/mine.pdf")


def test_a_bucket_of_our_name_that_holds_other_things_is_not_taken(taken: Environment) -> None:
    with pytest.raises(AwsRequestError, match=rf"^Bucket {taken.bucket} is in this account, but .* SCONES_PROJECT"):
        foundation.deploy_foundation(taken)
    names = {stack["StackName"] for stack in taken.cloudformation.describe_stacks()["Stacks"]}
    assert taken.names.foundation_stack not in names
    assert cleanup.list_resources(taken) == []
    assert image(taken, "theses/mine.pdf") == b"mine"


def test_a_bucket_that_is_taken_over_keeps_its_own_tags(project: Environment) -> None:
    owner: TagTypeDef = {"Key": "owner", "Value": "me"}
    project.s3.create_bucket(Bucket=project.bucket)
    project.s3.put_bucket_tagging(Bucket=project.bucket, Tagging={"TagSet": [owner]})
    foundation.deploy_foundation(project)
    assert tags(project) == [owner, {"Key": "scones:project", "Value": "scones-found"}]


def test_a_bucket_that_is_given_to_the_project_is_taken(taken: Environment) -> None:
    owner: TagTypeDef = {"Key": "owner", "Value": "me"}
    ours: TagTypeDef = {"Key": "scones:project", "Value": "scones-found"}
    taken.s3.put_bucket_tagging(Bucket=taken.bucket, Tagging={"TagSet": [owner, ours]})
    foundation.deploy_foundation(taken)
    assert tags(taken) == [owner, ours]


def test_a_bucket_of_another_account_is_named(project: Environment) -> None:
    with (
        answers.changed(project.s3, "HeadBucket", _forbidden),
        pytest.raises(AwsRequestError, match=rf"^Bucket {project.bucket} belongs to another account, or"),
    ):
        foundation.deploy_foundation(project)


def _forbidden(_parsed: dict[str, Any]) -> None:
    """As S3 answers HeadBucket for a bucket whose owner is another than the one expected: without a body."""
    raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")
