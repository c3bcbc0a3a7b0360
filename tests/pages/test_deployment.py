"""Deployment: the endpoint and where its model came from, as SageMaker has them; deploying and deleting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from backend.deployment import Step
from pages.shared import JobName
from tests.backend.deployment.aws_shaped import FIRST, JOB, SECOND, Account, summary, variant
from tests.machine import picture
from tests.pages import cloud
from tests.pages.visits import Visit, click, errors, finish, links, metrics, select_rows, table, texts

PAGE = "deployment"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"


def config_of(project: Environment) -> Any:
    """The configuration that the endpoint serves by."""
    name = project.sagemaker.describe_endpoint(EndpointName=project.names.endpoint)["EndpointConfigName"]
    return project.sagemaker.describe_endpoint_config(EndpointConfigName=name)


def lineage(app: AppTest) -> dict[str, str]:
    """The steps from the dataset to the captures, by name, each with what is said of it, without Markdown's marks."""
    said = [element.value for element in app.main.markdown]
    steps = {text.rpartition(": ")[2]: at for at, text in enumerate(said) if text.rpartition(": ")[2] in set(Step)}
    return {name: said[at + 1].replace("`", "") for name, at in steps.items()}


@pytest.fixture
def account() -> Iterator[Account]:
    """An AWS account whose endpoint serves one model, with an earlier one whose model is gone."""
    account = Account()
    account.add_model(SECOND)
    account.configure(FIRST, variant("AllTraffic", FIRST))
    account.configure(SECOND, variant("AllTraffic", SECOND))
    account.serve(SECOND, summary("AllTraffic", 1.0))
    with account.open():
        yield account


def configurations(app: AppTest) -> dict[str, list[Any]]:
    return table(app, "Configuration")


def running(app: AppTest) -> list[tuple[str, str, str]]:
    """Role, and share of the requests now and as wanted, of each variant."""
    shown = table(app, "Role")
    return list(zip(shown["Role"], shown["Requests now"], shown["Wanted"], strict=True))


@pytest.fixture
def failed(own: Environment) -> Environment:
    """A project whose endpoint failed: its model's artifact is none."""
    artifact = f"s3://{own.bucket}/models/broken.tar.gz"
    own.s3.put_object(Bucket=own.bucket, Key="models/broken.tar.gz", Body=b"x")
    own.sagemaker.create_model(
        ModelName=own.project,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": artifact},
        ExecutionRoleArn=own.names.sagemaker_role_arn,
    )
    own.sagemaker.create_endpoint_config(
        EndpointConfigName=own.project,
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": own.project,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 1,
            }
        ],
    )
    own.sagemaker.create_endpoint(EndpointName=own.names.endpoint, EndpointConfigName=own.project)
    waiter = own.sagemaker.get_waiter("endpoint_in_service")
    with pytest.raises(Exception, match="Failed"):
        waiter.wait(EndpointName=own.names.endpoint, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return own


def test_the_endpoint_is_shown_with_its_status(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    status = populated.sagemaker.describe_endpoint(EndpointName=populated.names.endpoint)["EndpointStatus"]
    assert [element.value for element in app.subheader] == [populated.names.endpoint]
    assert f"{status}]" in texts(app)


def test_the_lineage_is_the_one_that_sagemaker_gives(visit: Visit, populated: Environment) -> None:
    shown = lineage(visit(populated, PAGE))
    config = config_of(populated)
    [serving] = config["ProductionVariants"]
    model = populated.sagemaker.describe_model(ModelName=serving["ModelName"])
    artifact = model["PrimaryContainer"]["ModelDataUrl"]
    job = artifact.split("/")[-3]
    channels = populated.sagemaker.describe_training_job(TrainingJobName=job)["InputDataConfig"]
    trained_on = channels[0]["DataSource"]["S3DataSource"]["S3Uri"]
    captured = f"s3://{populated.bucket}/data_capture/{populated.names.endpoint}/{serving['VariantName']}/"
    assert shown == {
        "Dataset": trained_on.split("/datasets/")[1].split("/")[0],
        "Training job": job,
        "Model artifact": artifact,
        "Model": serving["ModelName"],
        "Endpoint configuration": f"{config['EndpointConfigName']} :gray[As variant {serving['VariantName']}.]",
        "Endpoint": populated.names.endpoint,
        "Data capture": f"{captured} :gray[100% of requests]",
    }


def test_another_model_is_deployed_as_chosen(visit: Visit, populated: Environment) -> None:
    before = config_of(populated)["EndpointConfigName"]
    app = visit(populated, PAGE)
    app.selectbox(key="deployment.instance_type").set_value("ml.c5.xlarge").run()
    click(app, "Deploy model")
    assert finish(app, JobName.DEPLOYMENT).status == "succeeded"
    assert [element.value for element in app.success] == ["The model is deployed."]
    populated.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=populated.names.endpoint, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    config = config_of(populated)
    assert config["EndpointConfigName"] != before
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.c5.xlarge"
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 100
    assert f"1 x {'ml.c5.xlarge'}" in texts(visit(populated, PAGE))


def test_a_failed_endpoint_shows_why(visit: Visit, failed: Environment) -> None:
    reason = failed.sagemaker.describe_endpoint(EndpointName=failed.names.endpoint)["FailureReason"]
    assert [text.replace("`", "") for text in errors(visit(failed, PAGE))] == [reason]  # as text, not as Markdown


def test_deleting_takes_the_endpoint_its_configuration_and_its_model(visit: Visit, failed: Environment) -> None:
    app = visit(failed, PAGE)
    click(app, "Delete endpoint")
    assert finish(app, JobName.DEPLOYMENT).status == "succeeded"
    assert [element.value for element in app.success] == ["The endpoint is deleted."]
    sagemaker = failed.sagemaker
    assert sagemaker.list_endpoints(NameContains=failed.project)["Endpoints"] == []
    assert sagemaker.list_endpoint_configs(NameContains=failed.project)["EndpointConfigs"] == []
    assert sagemaker.list_models(NameContains=failed.project)["Models"] == []
    assert cloud.keys(failed, "models/") == ["models/broken.tar.gz"]


def test_a_model_is_chosen_by_the_accuracy_that_its_job_kept(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    choice = app.selectbox(key="deployment.job")
    group = "/aws/sagemaker/TrainingJobs"
    [title] = choice.options
    name = title.split()[0]
    [stream] = populated.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = populated.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    stored = [event["message"] for event in events if "Storing the best model" in event["message"]]
    assert f"validation accuracy {float(stored[-1].split(': ')[-1]):.3f}: epoch " in title
    assert "is kept" in title


def test_the_next_step_is_named_when_the_model_answers(visit: Visit, account: Account) -> None:
    assert "workflow" in links(visit(account.environment, PAGE))
    account.serve(SECOND, EndpointStatus="Failed", FailureReason="No.")
    assert "workflow" not in links(visit(account.environment, PAGE))


def test_what_is_missing_of_the_lineage_is_named(visit: Visit, account: Account) -> None:
    del account.jobs[JOB]
    shown = lineage(visit(account.environment, PAGE))
    assert shown["Dataset"] == "not known :gray[No training job names one of this project.]"
    assert shown["Training job"] == "not known :gray[No training job of this account wrote the artifact.]"
    account.models.clear()
    shown = lineage(visit(account.environment, PAGE))
    assert shown["Model artifact"] == "not known :gray[The model that named it was deleted.]"
    account.configs.clear()
    app = visit(account.environment, PAGE)
    assert lineage(app) == {}
    assert f"{SECOND} was deleted" in texts(app).replace("`", "")


def test_each_step_leads_to_its_page_and_to_the_console(visit: Visit, account: Account) -> None:
    account.add_dataset("d1", {})  # damaged
    app = visit(account.environment, PAGE)
    assert {"data_staging", "training", "evaluation", "monitoring"} <= set(links(app))
    console = "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#"
    buttons = {element.proto.url for element in app.get("link_button")}
    things = (f"jobs/{JOB}", f"endpointConfig/{SECOND}", "endpoints/scones-unlimited")
    assert {f"{console}/{thing}" for thing in things} <= buttons


def test_a_challenger_is_added_shifted_and_promoted(visit: Visit, account: Account) -> None:
    app = visit(account.environment, PAGE)
    app.slider(key="deployment.share.Challenger").set_value(30).run()
    click(app, "Add challenger")
    assert finish(app, JobName.DEPLOYMENT).status == "succeeded"
    assert running(app) == [("Champion", "70 %", "70 %"), ("Challenger", "30 %", "30 %")]

    [shift] = (slider for slider in app.slider if slider.label == "Requests of the challenger, %")
    shift.set_value(45).run()
    click(app, "Set share")
    finish(app, JobName.DEPLOYMENT)
    assert running(app) == [("Champion", "55 %", "55 %"), ("Challenger", "45 %", "45 %")]

    added = account.endpoint
    click(app, "Promote")
    assert finish(app, JobName.DEPLOYMENT).status == "succeeded"
    assert added is not None
    assert account.endpoint is not None
    [alone] = account.endpoint["ProductionVariants"]
    assert alone["VariantName"] == added["ProductionVariants"][1]["VariantName"]
    assert lineage(app)["Data capture"].split(" ")[0].endswith(f"/{alone['VariantName']}/")


def test_a_shadow_is_added_and_withdrawn(visit: Visit, account: Account) -> None:
    app = visit(account.environment, PAGE)
    app.segmented_control(key="deployment.second").set_value("Shadow").run()
    app.slider(key="deployment.share.Shadow").set_value(50).run()
    click(app, "Add shadow")
    finish(app, JobName.DEPLOYMENT)
    assert running(app) == [("Champion", "100 %", "100 %"), ("Shadow", "50 %", "50 %")]
    click(app, "Withdraw")
    finish(app, JobName.DEPLOYMENT)
    assert account.endpoint is not None
    assert "ShadowProductionVariants" not in account.endpoint
    assert [item["VariantName"] for item in account.endpoint["ProductionVariants"]] == ["AllTraffic"]


def test_what_serves_and_is_wanted_is_told_while_it_changes(visit: Visit, account: Account) -> None:
    account.add_model(FIRST)
    account.configure(SECOND, variant("AllTraffic", FIRST, 0.8), variant("challenger-1", SECOND, 0.2))
    account.serve(SECOND, summary("AllTraffic", 1.0, 0.8), EndpointStatus="Updating")
    app = visit(account.environment, PAGE)
    assert running(app) == [("Champion", "100 %", "80 %"), ("Challenger", "-", "20 %")]
    assert all(button.disabled for button in app.button if button.label in ("Deploy model", "Roll back to this"))


def test_an_earlier_configuration_serves_again(visit: Visit, account: Account) -> None:
    account.add_model(FIRST)
    app = visit(account.environment, PAGE)
    shown = configurations(app)
    assert shown["Configuration"] == [SECOND, FIRST]
    assert shown["Current"] == [True, False]
    assert shown["Model of training job"] == [JOB, JOB]
    assert "The endpoint serves from this configuration" in texts(app)
    select_rows(app, "Configuration", 1)
    click(app, "Roll back to this")
    assert finish(app, JobName.DEPLOYMENT).status == "succeeded"
    assert account.endpoint is not None
    assert account.endpoint["EndpointConfigName"] == FIRST
    assert configurations(app)["Current"] == [False, True]


def test_a_configuration_whose_model_is_gone_does_not_serve_again(visit: Visit, account: Account) -> None:
    app = visit(account.environment, PAGE)
    assert configurations(app)["Model of training job"] == [JOB, "deleted"]
    select_rows(app, "Configuration", 1)
    assert "it cannot serve again" in texts(app)
    assert not [button for button in app.button if button.label == "Roll back to this"]


def test_one_picture_is_tried_as_the_workflow_would_ask(visit: Visit, account: Account) -> None:
    image = picture({})
    app = visit(account.environment, PAGE)
    app.file_uploader(key="deployment.trial.upload").set_value(("my bike.png", image, "image/png")).run()
    click(app, "Ask the endpoint")
    assert metrics(app) | {"Latency": ""} == {
        "Answer": "class 1",
        "Confidence": "0.750",
        "Latency": "",
        "Variant": "AllTraffic",
    }
    [asked] = account.requests("InvokeEndpoint")
    assert asked["body"] == image
    assert asked["headers"]["Content-Type"] == "image/png"
    assert asked["headers"]["X-Amzn-SageMaker-Inference-Id"] in texts(app)
    assert "X-Amzn-SageMaker-Custom-Attributes" not in asked["headers"]


def test_no_picture_is_a_sentence(visit: Visit, account: Account) -> None:
    app = visit(account.environment, PAGE)
    app.file_uploader(key="deployment.trial.upload").set_value(("notes.png", b"no picture", "image/png")).run()
    [said] = errors(app)
    assert "notes.png" in said
    assert next(button for button in app.button if button.label == "Ask the endpoint").disabled


def test_a_place_that_nothing_can_be_captured_to_is_a_sentence(visit: Visit, account: Account) -> None:
    app = visit(account.environment, PAGE)
    app.text_input(key="deployment.destination").set_value("captured").run()
    click(app, "Deploy model")
    [said] = errors(app)
    assert "Give one as" in said
    assert account.requests("UpdateEndpoint") == []


def test_a_deployment_says_what_it_costs(visit: Visit, account: Account) -> None:
    """Two of ml.m5.large: 0.115 USD an hour each, by the price list."""
    app = visit(account.environment, PAGE)
    app.selectbox(key="deployment.instance_type").set_value("ml.m5.large").run()
    app.number_input(key="deployment.instances").set_value(2).run()
    assert "On AWS this costs \\$0.23 an hour as long as the endpoint exists" in texts(app)
