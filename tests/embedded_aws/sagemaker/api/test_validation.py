"""What the service refuses, and in which words. Source of the words: messages of AWS's JSON services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from embedded_aws.sagemaker.api.control_plane import OPERATIONS
from embedded_aws.sagemaker.api.exceptions import SerializationException, ValidationException
from embedded_aws.sagemaker.api.service_model import operation_model
from embedded_aws.sagemaker.api.validation import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:sagemaker:us-east-1:000000000000:model/m"


def refusal(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(ValidationException) as caught:
        validate(operation, request)
    return caught.value.message


def test_a_name_that_breaks_its_pattern_is_refused_in_the_words_of_aws() -> None:
    assert refusal("DescribeTrainingJob", {"TrainingJobName": "a_b"}) == (
        "1 validation error detected: Value 'a_b' at 'trainingJobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )


def test_patterns_are_held_against_the_whole_value() -> None:
    assert "regular expression" in refusal("DescribeModel", {"ModelName": "good-name\nand more"})


def test_a_missing_member_is_null() -> None:
    assert refusal("DescribeTrainingJob", {}) == (
        "1 validation error detected: Value null at 'trainingJobName' failed to satisfy constraint: "
        "Member must not be null"
    )


def test_every_broken_constraint_is_told_at_once() -> None:
    assert refusal("DescribeModel", {"ModelName": "_" * 64}).startswith(
        f"2 validation errors detected: Value '{'_' * 64}' at 'modelName' failed to satisfy constraint: "
        f"Member must have length less than or equal to 63; Value '{'_' * 64}' at 'modelName'"
    )


def test_a_number_out_of_range_is_refused() -> None:
    assert refusal("ListModels", {"MaxResults": 101}) == (
        "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: "
        "Member must have value less than or equal to 100"
    )


def test_a_word_outside_its_enum_is_refused_with_the_words_that_are_in_it() -> None:
    assert refusal("ListModels", {"SortOrder": "Upwards"}) == (
        "1 validation error detected: Value 'Upwards' at 'sortOrder' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Ascending, Descending]"
    )


def test_a_list_that_is_too_long_is_refused() -> None:
    tags = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50" in refusal(
        "AddTags", {"ResourceArn": ARN, "Tags": tags}
    )


def test_members_of_a_list_are_counted_from_one() -> None:
    assert "at 'tags.2.member.key' failed to satisfy constraint: Member must not be null" in refusal(
        "AddTags", {"ResourceArn": ARN, "Tags": [{"Key": "a", "Value": "b"}, {"Value": "b"}]}
    )


def test_a_bad_text_in_a_list_is_told_with_all_that_holds_for_it() -> None:
    assert refusal("DeleteTags", {"ResourceArn": ARN, "TagKeys": ["good", ""]}) == (
        "1 validation error detected: Value '[good, ]' at 'tagKeys' failed to satisfy constraint: "
        "Member must satisfy constraint: [Member must have length less than or equal to 128, "
        "Member must have length greater than or equal to 1, "
        r"Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)]"
    )


def test_a_bad_entry_of_a_map_is_told_with_all_that_holds_for_it() -> None:
    message = refusal("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Environment": {"a b": "c"}}})
    assert "Value '{a b=c}' at 'primaryContainer.environment' failed to satisfy constraint: Map keys must" in message


def test_patterns_know_the_letters_of_every_language() -> None:
    request = {"ResourceArn": ARN, "Tags": [{"Key": "größe", "Value": "大"}]}
    assert validate("AddTags", request) == request


def test_a_member_that_aws_does_not_know_is_passed_over() -> None:
    assert validate("DescribeModel", {"ModelName": "m", "Color": "red"}) == {"ModelName": "m"}


def test_null_counts_as_absent() -> None:
    assert validate("ListModels", {"NameContains": None}) == {}


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("DescribeModel", {"ModelName": 3}),
        ("DescribeModel", {"ModelName": ["m"]}),
        ("ListModels", {"MaxResults": "10"}),
        ("ListModels", {"MaxResults": True}),
        ("ListModels", {"MaxResults": 1.5}),
        ("ListModels", {"MaxResults": 2**31}),
        ("ListModels", {"CreationTimeAfter": "yesterday"}),
        ("ListModels", {"CreationTimeAfter": float("nan")}),
        ("ListModels", {"CreationTimeAfter": 10**400}),
        ("CreateModel", {"ModelName": "m", "EnableNetworkIsolation": "yes"}),
        ("CreateModel", {"ModelName": "m", "Containers": {}}),
        ("CreateModel", {"ModelName": "m", "PrimaryContainer": []}),
        ("CreateModel", {"ModelName": "m", "PrimaryContainer": {"Environment": {"a": None}}}),
    ],
)
def test_a_member_of_another_type_cannot_be_read(operation: str, request_: dict[str, Any]) -> None:
    with pytest.raises(SerializationException):
        validate(operation, request_)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_pattern_of_every_operation_can_be_checked(operation: str) -> None:
    shape = operation_model(operation).input_shape
    assert shape is not None
    for pattern in patterns(shape):
        regex.compile(pattern)


def patterns(shape: Shape, above: frozenset[str] = frozenset()) -> Iterator[str]:
    if "pattern" in shape.metadata:
        yield shape.metadata["pattern"]
    if shape.name in above:
        return
    for part in parts(shape):
        yield from patterns(part, above | {shape.name})


def parts(shape: Shape) -> list[Shape]:
    if isinstance(shape, StructureShape):
        return list(shape.members.values())
    if isinstance(shape, MapShape):
        return [shape.key, shape.value]
    return [shape.member] if isinstance(shape, ListShape) else []
