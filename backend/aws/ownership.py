"""Whether the project's bucket is there and ours; making it, or taking it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError

from backend.aws.environment import Environment
from backend.aws.errors import aws_errors, error_code, find
from backend.aws.names import BUCKET_PREFIXES
from backend.errors import AwsRequestError

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import BucketLocationConstraintType
    from mypy_boto3_s3.type_defs import TagTypeDef

_OWNED_BY_US = "BucketAlreadyOwnedByYou"
_HOME_OF_S3 = "us-east-1"  # the one region that CreateBucket does not want to be told


def ensure_bucket(environment: Environment) -> None:
    """Make the project's bucket, private and encrypted, or take over the one of ours that is there.

    It is no part of a stack: a stack cannot be created where its bucket is there already, and this one outlives the
    stacks, with what is in it. The tag is set last: a bucket that has it is finished.
    Raises AwsRequestError when a bucket of this name is not ours.
    """
    with aws_errors(f"make bucket {environment.bucket}"):
        tags = _find_tags(environment)
        if tags is None:
            _create_bucket(environment)
        elif environment.tags.items() <= tags.items():
            return
        elif not _is_recognized(environment):
            raise AwsRequestError(
                f"Bucket {environment.bucket} is in this account, but was not made by this project and holds other "
                f"things. Set SCONES_PROJECT to another name, or tag the bucket {_as_text(environment.tags)} to give "
                "it to this project, which then deletes it at cleanup."
            )
        _protect_bucket(environment)
        _tag_bucket(environment, {**(tags or {}), **environment.tags})


def has_bucket(environment: Environment) -> bool:
    """Whether the bucket is there and is this project's; as boto3 raises."""
    tags = _find_tags(environment)
    return tags is not None and (environment.tags.items() <= tags.items() or _is_recognized(environment))


def _find_tags(environment: Environment) -> Mapping[str, str] | None:
    """The bucket's tags; None when there is no such bucket. Raises AwsRequestError for another account's."""
    try:
        head = find(environment.s3.head_bucket, Bucket=environment.bucket, ExpectedBucketOwner=environment.account)
    except ClientError as error:
        if error_code(error) != "403":
            raise
        raise AwsRequestError(
            f"Bucket {environment.bucket} belongs to another account, or this profile may not see it. "
            "Set SCONES_PROJECT to another name, or ask for the permission s3:ListBucket."
        ) from error
    if head is None:
        return None
    try:
        tags = environment.s3.get_bucket_tagging(Bucket=environment.bucket)["TagSet"]
    except ClientError as error:
        if error_code(error) != "NoSuchTagSet":
            raise
        return {}
    return {tag["Key"]: tag["Value"] for tag in tags}


def _is_recognized(environment: Environment) -> bool:
    """Whether an untagged bucket is ours all the same: older versions left the tag to CloudFormation, and it may not
    have come, and a creation may have been cut off. Ours is in the foundation's stack, or holds nothing but ours."""
    resource = find(
        environment.cloudformation.describe_stack_resource,
        StackName=environment.names.foundation_stack,
        LogicalResourceId="Bucket",
    )
    if resource and resource["StackResourceDetail"].get("PhysicalResourceId") == environment.bucket:
        return True
    top = environment.s3.list_objects_v2(Bucket=environment.bucket, Delimiter="/")
    folders = {folder["Prefix"] for folder in top.get("CommonPrefixes", [])}
    return folders <= BUCKET_PREFIXES and not top.get("Contents")


def _create_bucket(environment: Environment) -> None:
    bucket = environment.bucket
    try:
        if environment.region == _HOME_OF_S3:
            environment.s3.create_bucket(Bucket=bucket)
        else:
            place = cast("BucketLocationConstraintType", environment.region)
            environment.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": place})
    except ClientError as error:
        if error_code(error) != _OWNED_BY_US:  # made by somebody else of this account at the same moment
            raise


def _protect_bucket(environment: Environment) -> None:
    environment.s3.put_public_access_block(
        Bucket=environment.bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )
    environment.s3.put_bucket_encryption(
        Bucket=environment.bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )


def _tag_bucket(environment: Environment, tags: Mapping[str, str]) -> None:
    tag_set: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in tags.items()]
    environment.s3.put_bucket_tagging(Bucket=environment.bucket, Tagging={"TagSet": tag_set})


def _as_text(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in tags.items())
