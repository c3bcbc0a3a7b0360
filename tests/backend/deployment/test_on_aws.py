"""What SageMaker is asked for, and what is made of its answers, in an account as AWS describes it."""

from __future__ import annotations

from typing import Any

import pytest

from backend import deployment
from backend.errors import AwsRequestError, DeploymentNotPossible, EndpointNotInService, ModelMissing
from tests.backend.deployment.aws_shaped import CAPTURE, FIRST, JOB, SECOND, Account, summary, variant

OTHER_JOB = "scones-unlimited-20260202-090000-000000"


@pytest.fixture
def account() -> Account:
    """An account whose endpoint serves one model."""
    account = Account()
    account.add_model(FIRST)
    account.configure(FIRST, variant("AllTraffic", FIRST, ContainerStartupHealthCheckTimeoutInSeconds=90))
    account.serve(FIRST, summary("AllTraffic", 1.0))
    return account


@pytest.fixture
def two(account: Account) -> Account:
    """The account with a challenger: it was given a fifth, and has a half of the requests since."""
    account.add_model(SECOND)
    account.configure(SECOND, variant("AllTraffic", FIRST, 0.8), variant("challenger-1", SECOND, 0.2))
    account.serve(SECOND, summary("AllTraffic", 0.5), summary("challenger-1", 0.5))
    return account


@pytest.fixture
def shadowed(account: Account) -> Account:
    """The account with a shadow, which is asked a quarter of the requests."""
    account.add_model(SECOND)
    shadow = variant("shadow-1", SECOND, 0.25)
    account.configure(SECOND, variant("AllTraffic", FIRST), ShadowProductionVariants=[shadow])
    account.serve(SECOND, summary("AllTraffic", 1.0), ShadowProductionVariants=[summary("shadow-1", 0.25)])
    return account


def created(account: Account) -> dict[str, Any]:
    """The one configuration that was asked for."""
    [request] = account.requests("CreateEndpointConfig")
    return request


def weights(variants: list[dict[str, Any]]) -> dict[str, float]:
    return {item["VariantName"]: item["InitialVariantWeight"] for item in variants}


def test_a_challenger_comes_beside_the_champion_on_machines_like_its_own(account: Account) -> None:
    with account.open() as environment:
        name = deployment.add_challenger(environment, JOB, 0.2)
    config = created(account)
    champion, challenger = config["ProductionVariants"]
    assert (champion["VariantName"], champion["ModelName"], champion["InitialVariantWeight"]) == (
        "AllTraffic",
        FIRST,
        0.8,
    )
    assert challenger["VariantName"].startswith("challenger-")
    assert (challenger["ModelName"], challenger["InitialVariantWeight"]) == (name, 0.2)
    kept = ("InstanceType", "InitialInstanceCount", "ContainerStartupHealthCheckTimeoutInSeconds")
    assert [challenger[member] for member in kept] == ["ml.m5.large", 2, 90]
    assert "ShadowProductionVariants" not in config
    assert config["DataCaptureConfig"] == CAPTURE
    [update] = account.requests("UpdateEndpoint")
    assert update == {"EndpointName": "scones-unlimited", "EndpointConfigName": name}


def test_a_shadow_comes_with_the_share_as_its_weight(account: Account) -> None:
    with account.open() as environment:
        deployment.add_challenger(environment, JOB, 0.25, as_shadow=True)
    config = created(account)
    assert weights(config["ProductionVariants"]) == {"AllTraffic": 1.0}
    [shadow] = config["ShadowProductionVariants"]
    assert shadow["VariantName"].startswith("shadow-")
    assert shadow["InitialVariantWeight"] == 0.25


def test_a_refused_challenger_leaves_nothing_behind(account: Account) -> None:
    account.refuses.add("UpdateEndpoint")
    with account.open() as environment, pytest.raises(AwsRequestError, match="Not now"):
        deployment.add_challenger(environment, JOB, 0.2)
    [model], [config] = account.requests("CreateModel"), account.requests("CreateEndpointConfig")
    assert account.requests("DeleteModel") == [{"ModelName": model["ModelName"]}]
    assert account.requests("DeleteEndpointConfig") == [{"EndpointConfigName": config["EndpointConfigName"]}]


def test_a_second_challenger_is_refused(two: Account) -> None:
    with two.open() as environment, pytest.raises(DeploymentNotPossible, match="Promote or withdraw it first"):
        deployment.add_challenger(environment, JOB, 0.2)
    assert two.asked == []


def test_a_model_of_other_classes_is_no_challenger(account: Account) -> None:
    account.jobs[OTHER_JOB] = "d2"
    account.add_model("another", OTHER_JOB)
    for dataset_id, labels in {"d1": ["bicycle", "motorcycle"], "d2": ["bicycle", "bus"]}.items():
        account.add_dataset(
            dataset_id,
            {
                "dataset_id": dataset_id,
                "source": "a test",
                "synthetic": True,
                "labels": labels,
                "counts": {"train": dict.fromkeys(labels, 1), "test": dict.fromkeys(labels, 1)},
                "bucket": account.environment.bucket,
                "prefix": f"datasets/{dataset_id}/",
                "staged_at": "2026-01-31T09:00:00Z",
            },
        )
    said = "answers for bicycle and bus, and AllTraffic for bicycle and motorcycle"
    with account.open() as environment, pytest.raises(DeploymentNotPossible, match=said):
        deployment.add_challenger(environment, OTHER_JOB, 0.2)
    assert account.asked == []


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(two: Account, share: float) -> None:
    with two.open() as environment, pytest.raises(DeploymentNotPossible, match="is no share of the requests"):
        deployment.set_share(environment, share)
    assert two.asked == []


def test_an_endpoint_that_is_changing_takes_no_challenger(account: Account) -> None:
    account.serve(FIRST, summary("AllTraffic", 1.0), EndpointStatus="Updating")
    with account.open() as environment, pytest.raises(EndpointNotInService, match=r"is Updating\. Wait until"):
        deployment.add_challenger(environment, JOB, 0.2)


def test_a_configuration_that_is_gone_is_named(account: Account) -> None:
    account.configs.clear()
    with account.open() as environment, pytest.raises(DeploymentNotPossible, match=f"{FIRST} was deleted"):
        deployment.add_challenger(environment, JOB, 0.2)


def test_a_share_is_set_by_weights(two: Account) -> None:
    with two.open() as environment:
        deployment.set_share(environment, 0.3)
    [request] = two.requests("UpdateEndpointWeightsAndCapacities")
    assert request["DesiredWeightsAndCapacities"] == [
        {"VariantName": "AllTraffic", "DesiredWeight": 0.7},
        {"VariantName": "challenger-1", "DesiredWeight": 0.3},
    ]


def test_the_share_of_a_shadow_leaves_the_champion_alone(shadowed: Account) -> None:
    with shadowed.open() as environment:
        deployment.set_share(environment, 0.5)
    [request] = shadowed.requests("UpdateEndpointWeightsAndCapacities")
    assert request["DesiredWeightsAndCapacities"] == [
        {"VariantName": "AllTraffic", "DesiredWeight": 1.0},
        {"VariantName": "shadow-1", "DesiredWeight": 0.5},
    ]


@pytest.mark.parametrize("name", ["two", "shadowed"])
def test_a_promoted_challenger_serves_alone_under_its_own_name(name: str, request: pytest.FixtureRequest) -> None:
    account: Account = request.getfixturevalue(name)
    with account.open() as environment:
        deployment.promote(environment)
    config = created(account)
    [kept] = config["ProductionVariants"]
    assert (kept["ModelName"], kept["InitialVariantWeight"]) == (SECOND, 1.0)
    assert kept["VariantName"] in ("challenger-1", "shadow-1")
    assert "ShadowProductionVariants" not in config
    assert config["DataCaptureConfig"] == CAPTURE


@pytest.mark.parametrize("name", ["two", "shadowed"])
def test_a_withdrawn_challenger_leaves_the_champion_alone(name: str, request: pytest.FixtureRequest) -> None:
    account: Account = request.getfixturevalue(name)
    with account.open() as environment:
        deployment.withdraw(environment)
    config = created(account)
    assert weights(config["ProductionVariants"]) == {"AllTraffic": 1.0}
    assert "ShadowProductionVariants" not in config


def test_without_a_challenger_nothing_is_promoted_or_withdrawn(account: Account) -> None:
    for act in (deployment.promote, deployment.withdraw, lambda environment: deployment.set_share(environment, 0.5)):
        with account.open() as environment, pytest.raises(DeploymentNotPossible, match="has no challenger"):
            act(environment)
    assert account.asked == []


def test_what_runs_is_told_with_the_weights_of_now(two: Account) -> None:
    two.serve(SECOND, summary("AllTraffic", 3.0, 0.5), summary("challenger-1", 1.0, 0.5), EndpointStatus="Updating")
    with two.open() as environment:
        endpoint = deployment.describe_endpoint(environment)
    assert endpoint is not None
    champion, challenger = endpoint.champion, endpoint.challenger
    assert champion is not None
    assert challenger is not None
    assert (champion.model, challenger.model) == (FIRST, SECOND)
    assert [endpoint.share(item) for item in (champion, challenger)] == [0.75, 0.25]
    assert [endpoint.share(item, desired=True) for item in (champion, challenger)] == [0.5, 0.5]
    assert challenger.origin.training_job == JOB


def test_a_shadows_share_is_of_what_the_champion_is_asked(shadowed: Account) -> None:
    with shadowed.open() as environment:
        endpoint = deployment.describe_endpoint(environment)
    assert endpoint is not None
    assert endpoint.challenger is not None
    assert endpoint.challenger.is_shadow
    assert [endpoint.share(item) for item in endpoint.variants] == [1.0, 0.25]


def test_a_variant_that_still_serves_and_is_configured_no_more_is_told(two: Account) -> None:
    """AWS names the new configuration or the old one while it updates, and always what serves."""
    two.serve(FIRST, summary("AllTraffic", 0.8), summary("challenger-1", 0.2), EndpointStatus="Updating")
    with two.open() as environment:
        endpoint = deployment.describe_endpoint(environment)
    assert endpoint is not None
    assert [(item.name, item.model) for item in endpoint.variants] == [("AllTraffic", FIRST), ("challenger-1", None)]
    assert endpoint.challenger is None


def test_earlier_configurations_are_listed_with_the_jobs_of_their_models(two: Account) -> None:
    two.configure("scones-unlimited-evaluation-20260131-093012-000000", variant("AllTraffic", FIRST))
    two.configure("scones-unlimited-two-20260131-093012-000000", variant("AllTraffic", FIRST))
    del two.models[FIRST]
    with two.open() as environment:
        newest, oldest = deployment.list_configurations(environment)
    assert (newest.name, oldest.name) == (SECOND, FIRST)
    assert [item.origin.training_job for item in newest.variants] == [None, JOB]
    assert [item.desired_weight for item in newest.variants] == [0.8, 0.2]
    assert not oldest.can_serve


def test_rolling_back_serves_from_the_configuration_as_it_is(two: Account) -> None:
    with two.open() as environment:
        assert deployment.roll_back(environment, FIRST) == FIRST
    assert two.asked == [("UpdateEndpoint", {"EndpointName": "scones-unlimited", "EndpointConfigName": FIRST})]


def test_a_deleted_endpoint_is_made_again_from_an_earlier_configuration(account: Account) -> None:
    account.endpoint = None
    with account.open() as environment:
        deployment.roll_back(environment, FIRST)
    [request] = account.requests("CreateEndpoint")
    assert request == {
        "EndpointName": "scones-unlimited",
        "EndpointConfigName": FIRST,
        "Tags": [{"Key": "scones:project", "Value": "scones-unlimited"}],
    }


def test_what_serves_already_is_no_way_back(two: Account) -> None:
    with two.open() as environment, pytest.raises(DeploymentNotPossible, match=r"serves from .* already"):
        deployment.roll_back(environment, SECOND)


def test_there_is_no_way_back_to_what_is_gone(two: Account) -> None:
    with two.open() as environment:
        two.objects.clear()
        with pytest.raises(ModelMissing, match=r"the artifact of model .*, was deleted"):
            deployment.roll_back(environment, FIRST)
        del two.models[FIRST]
        with pytest.raises(ModelMissing, match=f"Model {FIRST} of {FIRST} was deleted"):
            deployment.roll_back(environment, FIRST)
        del two.configs[FIRST]
        with pytest.raises(DeploymentNotPossible, match=f"{FIRST} was deleted"):
            deployment.roll_back(environment, FIRST)
    assert two.asked == []


def test_it_is_captured_where_it_is_asked_for(account: Account) -> None:
    own = CAPTURE["DestinationS3Uri"]
    for destination in (None, "s3://somebodys-bucket/captured/", f"{own}/trial"):
        with account.open() as environment:
            options = deployment.DeploymentOptions(capture_destination=destination)
            deployment.deploy_model(environment, JOB, options)
    captures = [request["DataCaptureConfig"] for request in account.requests("CreateEndpointConfig")]
    told = [capture["DestinationS3Uri"] for capture in captures]
    assert told == [own, "s3://somebodys-bucket/captured", f"{own}/trial"]


@pytest.mark.parametrize(
    "destination",
    ["captured", "s3://bucket", "https://bucket/captured", "s3://Bucket/captured", "s3://bucket/a b", "s3://bucket//a"],
)
def test_what_is_no_folder_of_s3_is_no_destination(account: Account, destination: str) -> None:
    options = deployment.DeploymentOptions(capture_destination=destination)
    with account.open() as environment, pytest.raises(DeploymentNotPossible, match="Give one as s3://bucket/folder"):
        deployment.deploy_model(environment, JOB, options)
    assert [operation for operation, _ in account.asked] == ["CreateModel", "DeleteModel"]


@pytest.mark.parametrize("folder", ["models", "data_capture2"])
def test_captures_stay_apart_from_the_projects_other_things(account: Account, folder: str) -> None:
    options = deployment.DeploymentOptions(capture_destination=f"s3://{account.environment.bucket}/{folder}")
    with account.open() as environment, pytest.raises(DeploymentNotPossible, match="Choose a folder below"):
        deployment.deploy_model(environment, JOB, options)
