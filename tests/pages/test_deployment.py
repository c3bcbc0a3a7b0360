"""Deployment: the endpoint and where its model came from, as SageMaker has them; deploying and deleting."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from pages.shared import JobName
from tests.pages import cloud
from tests.pages.visits import Visit, click, errors, finish, texts

PAGE = "deployment"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"


def config_of(project: Environment) -> Any:
    """The configuration that the endpoint serves by."""
    name = project.sagemaker.describe_endpoint(EndpointName=project.names.endpoint)["EndpointConfigName"]
    return project.sagemaker.describe_endpoint_config(EndpointConfigName=name)


def lineage(app: AppTest) -> dict[str, str]:
    """The lines of the endpoint's table, by the names after their icons."""
    [shown] = (element.value for element in app.table)
    return {str(name).split(": ")[1]: value for name, value in shown.iloc[:, 0].items()}


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
    model = populated.sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    artifact = model["PrimaryContainer"]["ModelDataUrl"]
    job = artifact.split("/")[-3]
    channels = populated.sagemaker.describe_training_job(TrainingJobName=job)["InputDataConfig"]
    trained_on = channels[0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert shown == {
        "Dataset": trained_on.split("/datasets/")[1].split("/")[0],
        "Training job": job,
        "Model artifact": artifact,
        "Endpoint configuration": config["EndpointConfigName"],
        "Data capture": f"100% of requests, to s3://{populated.bucket}/data_capture",
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
    [choice] = (box for box in app.selectbox if box.label == "Model of training job")
    group = "/aws/sagemaker/TrainingJobs"
    [title] = choice.options
    name = title.split()[0]
    [stream] = populated.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = populated.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    stored = [event["message"] for event in events if "Storing the best model" in event["message"]]
    assert f"validation accuracy {float(stored[-1].split(': ')[-1]):.3f}: epoch " in title
    assert "is kept" in title
