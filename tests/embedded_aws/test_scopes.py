"""Which service a request must be signed for, held against how MiniStack itself chooses."""

from __future__ import annotations

import itertools

import pytest
from botocore.session import get_session
from ministack.core.router import SERVICE_PATTERNS, detect_service

from embedded_aws import scopes

SIGNED_FOR = scopes.ministack()


@pytest.mark.parametrize(
    "service",
    ["s3", "lambda", "stepfunctions", "cloudformation", "iam", "sts", "sns", "sqs", "events", "cloudwatch", "logs",
     "dynamodb", "dynamodbstreams", "ssm", "secretsmanager", "kinesis", "firehose", "cloudtrail",
     "opensearchserverless", "apigateway", "resourcegroupstaggingapi"],
)  # fmt: skip
def test_what_botocore_sends_to_a_service_of_ministack_agrees(service: str) -> None:
    model = get_session().get_service_model(service)
    prefix = model.metadata.get("targetPrefix")
    assert SIGNED_FOR(model.signing_name, "/", f"{prefix}.Any" if prefix else "")


def test_a_target_of_another_service_does_not_agree() -> None:
    targets = {
        prefix: known.get("credential_scope", service)
        for service, known in SERVICE_PATTERNS.items()
        for prefix in known.get("target_prefixes", [])
    }
    assert len(targets) > 30
    for (target, owner), scope in itertools.product(targets.items(), {*targets.values(), "s3", "lambda", "iam"}):
        assert SIGNED_FOR(scope, "/", f"{target}.Any") == (scope == owner), (target, scope)


def test_no_target_begins_with_another_services() -> None:
    """Otherwise MiniStack's choice would hang on the order of its table."""
    prefixes = [prefix for known in SERVICE_PATTERNS.values() for prefix in known.get("target_prefixes", [])]
    assert [pair for pair in itertools.permutations(prefixes, 2) if pair[0].startswith(pair[1])] == []


def test_a_target_that_no_service_knows_is_left_to_the_service() -> None:
    assert SIGNED_FOR("s3", "/", "Unknown.Any")


SCOPES = {known.get("credential_scope", name) for name, known in SERVICE_PATTERNS.items()}


@pytest.mark.parametrize("scope", sorted(SCOPES - {"cloudcontrolapi"}))  # of which MiniStack knows the target only
def test_ministack_chooses_by_scope_whatever_the_path_is(scope: str) -> None:
    """So that the paths which decide are those of `scopes` only: those of Lambda, say, do not move S3's requests."""
    chosen = {
        detect_service("POST", path, {"authorization": f"AWS4-HMAC-SHA256 Credential=k/20260101/r/{scope}/aws4"}, {})
        for path in ("/", "/2015-03-31/functions", "/v2/apis", "/2013-04-01/hostedzone", "/clusters", "/queue/a")
    }
    assert len(chosen) == 1


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v20180820/accesspoint", "s3"),
        ("/WriteGetObjectResponse", "s3-object-lambda"),
        ("/iceberg/v1/config", "glue"),
        ("/iceberg/v1/config", "s3tables"),
        ("/Execute", "rds-data"),
        ("/v2/email/outbound-emails", "ses"),
        ("/v2/", "ecr"),
        ("/v2", "ecr"),
        ("/v2/_catalog", "ecr"),
        ("/v2/name/blobs/uploads", "ecr"),
        ("/v2/name\n/manifests/latest", "ecr"),
        ("/v2/name/tags/list", "ecr"),
        ("/restapis/abc/prod/_user_request_/path", "execute-api"),
        ("/oauth2/token", "cognito-idp"),
        ("/logout", "cognito-idp"),
    ],
)
def test_a_path_that_ministack_answers_for_one_service_agrees_with_its_scope_only(path: str, scope: str) -> None:
    assert SIGNED_FOR(scope, path, "")
    assert not SIGNED_FOR("sqs", path, "")
    assert SIGNED_FOR("s3", path, "") == (scope == "s3")


@pytest.mark.parametrize("path", ["/bucket/v2/email", "/executed", "/v2/apis", "/v20180820", "/restapis/abc"])
def test_other_paths_agree_with_every_scope(path: str) -> None:
    assert SIGNED_FOR("s3", path, "") and SIGNED_FOR("apigateway", path, "")


@pytest.mark.parametrize("scope", ["sagemaker", "", "no-such-service", "S3", "glacier"])
def test_what_ministack_does_not_have_never_agrees(scope: str) -> None:
    assert not SIGNED_FOR(scope, "/", "")


@pytest.mark.parametrize(
    "service", ["sagemaker", "sagemaker-runtime", "sagemaker-metrics", "sagemaker-featurestore-runtime"]
)
def test_all_of_sagemaker_signs_as_sagemaker(service: str) -> None:
    assert scopes.sagemaker(get_session().get_service_model(service).signing_name, "/", "")


@pytest.mark.parametrize("scope", ["s3", "", "sagemaker-runtime", "bedrock"])
def test_nothing_else_reaches_sagemaker(scope: str) -> None:
    assert not scopes.sagemaker(scope, "/", "SageMaker.ListModels")
