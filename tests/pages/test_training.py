"""Training: what a job is and logs, as SageMaker and CloudWatch have it; starting and stopping one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend import staging, training
from backend.aws.environment import Environment
from backend.aws.polling import attempts
from backend.errors import TrainingFailed
from tests.pages.visits import Visit, click, errors, links, metrics, select_rows, table, texts

PAGE = "training"
ENDED = ("Completed", "Failed", "Stopped")


def jobs_of(project: Environment) -> list[str]:
    """The names of the training jobs, newest first."""
    page = project.sagemaker.list_training_jobs(
        NameContains=f"{project.project}-", SortBy="CreationTime", SortOrder="Descending"
    )
    return [job["TrainingJobName"] for job in page["TrainingJobSummaries"]]


def described(project: Environment, name: str) -> Any:
    return project.sagemaker.describe_training_job(TrainingJobName=name)


def completed(project: Environment) -> str:
    [name, *_] = (name for name in jobs_of(project) if described(project, name)["TrainingJobStatus"] == "Completed")
    return name


def start_endless(project: Environment) -> str:
    dataset = staging.describe_dataset(project)
    assert dataset is not None
    return training.start_training(project, dataset, training.TrainingOptions(epochs=500))


def await_end(project: Environment, name: str) -> None:
    project.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


@pytest.fixture
def trains(populated: Environment) -> Iterator[Environment]:
    """The project; what still trains when the test is over is stopped."""
    yield populated
    for name in jobs_of(populated):
        if described(populated, name)["TrainingJobStatus"] == "InProgress":
            populated.sagemaker.stop_training_job(TrainingJobName=name)
        if described(populated, name)["TrainingJobStatus"] not in ENDED:
            await_end(populated, name)


def test_jobs_are_listed_newest_first(visit: Visit, populated: Environment) -> None:
    shown = table(visit(populated, PAGE), "Job")
    names = jobs_of(populated)
    assert shown["Job"] == names
    assert shown["Status"] == [described(populated, name)["TrainingJobStatus"] for name in names]


def logged(project: Environment, name: str) -> list[str]:
    """The lines of a job in CloudWatch."""
    group = "/aws/sagemaker/TrainingJobs"
    [stream] = project.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    events = project.logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    return [event["message"] for event in events]


def accuracies_of(project: Environment, name: str) -> tuple[float, float]:
    """The accuracy with which the job stored its model for the last time, and that of its last epoch."""
    stored = [line.rpartition(": ")[2] for line in logged(project, name) if "Storing the best model" in line]
    figures = {item["MetricName"]: item["Value"] for item in described(project, name)["FinalMetricDataList"]}
    return float(stored[-1]), figures["validation:accuracy"]


def test_the_accuracies_of_the_kept_and_of_the_last_epoch_are_shown(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    name = completed(populated)
    row = jobs_of(populated).index(name)
    select_rows(app, "Job", row)
    kept, last = accuracies_of(populated, name)
    assert metrics(app)["Validation accuracy"] == f"{kept:.3f}"
    assert metrics(app)["Stage"] == "Completed"
    shown = table(app, "Job")
    assert shown["Accuracy"][row] == pytest.approx(kept, abs=1e-6)
    assert shown["Last epoch's"][row] == pytest.approx(last, abs=1e-6)
    [words] = (metric.delta for metric in app.metric if metric.label == "Validation accuracy")
    assert f"epoch {shown['Kept epoch'][row]:.0f}" in words
    assert "is kept" in words


def test_the_log_is_the_one_in_cloudwatch(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    name = completed(populated)
    select_rows(app, "Job", jobs_of(populated).index(name))
    [log] = (code.value for code in app.code if code.language != "python")
    assert log.splitlines() == logged(populated, name)


def test_the_hyperparameters_are_the_jobs(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    name = completed(populated)
    select_rows(app, "Job", jobs_of(populated).index(name))
    shown = table(app, "Hyperparameter")
    assert (
        dict(zip(shown["Hyperparameter"], shown["Value"], strict=True)) == described(populated, name)["HyperParameters"]
    )


def test_a_job_starts_with_the_chosen_options(visit: Visit, trains: Environment) -> None:
    app = visit(trains, PAGE)
    app.number_input(key="training.epochs").set_value(400)
    app.selectbox(key="training.batch").set_value(16)
    app.selectbox(key="training.optimizer").set_value("nag").run()
    app.number_input(key="training.rate.nag").set_value(0.05).run()
    before = jobs_of(trains)
    click(app, "Start training")
    [name, *older] = jobs_of(trains)
    assert older == before
    sent = described(trains, name)["HyperParameters"]
    chosen = {"epochs": "400", "mini_batch_size": "16", "optimizer": "nag", "learning_rate": "0.05"}
    assert sent.items() >= chosen.items()
    assert [element.value for element in app.subheader] == [name]


def test_each_optimizer_comes_with_a_learning_rate_that_suits_it(visit: Visit, populated: Environment) -> None:
    """Plain gradient descent takes many times the rate of optimizers that scale each step."""
    app = visit(populated, PAGE)
    for optimizer, rate in {"adam": 0.001, "sgd": 0.02, "rmsprop": 0.001, "nag": 0.02}.items():
        app.selectbox(key="training.optimizer").set_value(optimizer).run()
        [shown] = (field.value for field in app.number_input if field.label == "Learning rate")
        assert shown == pytest.approx(rate)


def test_a_batch_larger_than_the_dataset_is_refused(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    before = jobs_of(populated)
    app.selectbox(key="training.batch").set_value(128).run()
    click(app, "Start training")
    assert "64 training images, fewer than one batch of 128" in errors(app)[0]
    assert jobs_of(populated) == before


def test_stopping_ends_the_job(visit: Visit, trains: Environment) -> None:
    name = start_endless(trains)
    click(visit(trains, PAGE), "Stop")
    await_end(trains, name)
    assert described(trains, name)["TrainingJobStatus"] == "Stopped"
    shown = table(visit(trains, PAGE), "Job")
    assert (shown["Job"][0], shown["Status"][0]) == (name, "Stopped")


def stop(project: Environment, name: str) -> None:
    """Stop a training job, and wait until it has."""
    training.stop_training(project, name)
    await_end(project, name)


def test_what_a_stopped_job_kept_is_said(visit: Visit, trains: Environment) -> None:
    name = start_endless(trains)
    for _ in attempts("The first epoch", 60):
        if training.read_training_log(trains, name).accuracy:
            break
    stop(trains, name)
    kept = [line for line in logged(trains, name) if "Storing the best model" in line]
    assert kept
    app = visit(trains, PAGE)
    assert "It was stopped; the model of epoch" in texts(app)
    assert links(app) == ["deployment"]


def test_a_job_that_was_stopped_at_once_kept_nothing(visit: Visit, trains: Environment) -> None:
    stop(trains, start_endless(trains))
    app = visit(trains, PAGE)
    [said] = (info.value for info in app.info)
    assert "no model was kept" in said
    assert links(app) == []


def test_a_completed_job_leads_on_to_its_deployment(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    select_rows(app, "Job", jobs_of(populated).index(completed(populated)))
    assert links(app) == ["deployment"]


def test_jobs_are_found_by_their_options_and_status(visit: Visit, trains: Environment) -> None:
    name = start_endless(trains)
    app = visit(trains, PAGE)
    app.text_input(key="training.find").set_value(" EPOCHS=500 ").run()
    endless = [job for job in jobs_of(trains) if described(trains, job)["HyperParameters"]["epochs"] == "500"]
    assert table(app, "Job")["Job"] == endless
    app.button_group(key="training.status").set_value(["InProgress"]).run()
    assert table(app, "Job")["Job"] == [name]
    app.text_input(key="training.find").set_value("nothing like it").run()
    assert "No job is like that." in texts(app)


def test_selected_jobs_are_compared_by_what_they_differ_in(visit: Visit, trains: Environment) -> None:
    name, other = start_endless(trains), completed(trains)
    app = visit(trains, PAGE)
    select_rows(app, "Job", *(jobs_of(trains).index(job) for job in (name, other)))
    shown = table(app, "Option")
    asked = {job: described(trains, job)["HyperParameters"] for job in (name, other)}
    differing = [option for option in asked[other] if asked[name].get(option) != asked[other][option]]
    assert shown["Option"] == differing
    assert shown[other] == [asked[other][option] for option in differing]
    assert shown[name] == [asked[name][option] for option in differing]


def test_a_job_is_started_again_with_the_same_options(visit: Visit, trains: Environment) -> None:
    dataset = staging.describe_dataset(trains)
    assert dataset is not None
    options = training.TrainingOptions(44, 400, 32, "rmsprop", 0.003, 0.25, "", "7,9", 0.5, "ml.g5.2xlarge", 3)
    name = training.start_training(trains, dataset, options)
    stop(trains, name)
    app = visit(trains, PAGE)
    click(app, "Same options again")
    assert not app.warning
    click(app, "Start training")
    again = jobs_of(trains)[0]
    assert again != name
    for part in ("HyperParameters", "StoppingCondition"):
        assert described(trains, again)[part] == described(trains, name)[part]
    assert described(trains, again)["ResourceConfig"]["InstanceType"] == "ml.g5.2xlarge"


@pytest.mark.slow  # a job needs seconds to fail
def test_a_failed_job_shows_why(visit: Visit, trains: Environment) -> None:
    dataset = staging.describe_dataset(trains)
    assert dataset is not None
    name = training.start_training(trains, dataset, training.TrainingOptions(num_layers=21))
    with pytest.raises(TrainingFailed):
        training.wait_for_training(trains, name)
    assert errors(visit(trains, PAGE)) == [described(trains, name)["FailureReason"]]
