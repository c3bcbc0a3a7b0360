"""The code that is shown: filled in, and run from a clean interpreter, against the embedded AWS and as AWS is asked."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from backend import deployment, staging, training, workflow
from backend.aws.environment import Environment
from backend.examples import Example, Place, example_code, filled
from backend.progress import no_progress
from backend.staging.sample import draw_archive
from tests.projects import of_project

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
LABELS = ["bicycle", "motorcycle"]


def run(project: str, state_dir: Path, place: Place, values: dict[Example, Any], **variables: str) -> Any:
    """What the run told, and what each step printed; of the caller's AWS nothing is known."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SCONES_"))}
    done = subprocess.run(
        [sys.executable, "tests/notebook.py", project, str(state_dir), place, json.dumps(values)],
        cwd=ROOT,
        env=kept | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, told = done.stdout.splitlines()
    return json.loads(told), printed


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    counts = {"train": {"bicycle": 36, "motorcycle": 36, "bus": 30}, "test": {"bicycle": 4, "motorcycle": 4, "bus": 6}}
    return draw_archive(tmp_path_factory.mktemp("archive"), counts, no_progress)


def first_image(archive: Path) -> str:
    """The name of the first test image."""
    with tarfile.open(archive) as tar:
        [member] = (item for item in tar.getmembers() if item.name.endswith("/test"))
        content = tar.extractfile(member)
        assert content
        name = pickle.load(content, encoding="bytes")[b"filenames"][0]  # noqa: S301  drawn by this project
        return str(name, "ascii")


def test_every_step_of_a_notebook_does_what_the_app_does(environment: Environment, archive: Path) -> None:
    project = of_project(environment, "scones-notebook")
    image = first_image(archive)
    hyperparameters = {
        "num_layers": "20",
        "epochs": "1",
        "mini_batch_size": "16",
        "num_classes": "3",
        "num_training_samples": "89",
        "image_shape": "3,28,28",
    }
    values = {
        Example.DATA_STAGING: {"archive": str(archive), "labels": LABELS, "others": 1.0, "synthetic": True},
        Example.TRAINING: {"hyperparameters": hyperparameters},
        Example.DEPLOYMENT: {"capture_percent": 50},
        Example.WORKFLOW: {"threshold": 0.3},
        Example.SUBMISSION: {"image": image},
    }
    _told, printed = run("scones-notebook", environment.settings.state_dir, Place.EMBEDDED, values)
    dataset = staging.describe_dataset(project)
    assert dataset is not None
    assert dataset.labels == ("bicycle", "motorcycle", "other")
    assert dataset.counts["test"] == {"bicycle": 4, "motorcycle": 4, "other": 4}
    assert (dataset.size("train"), dataset.size("validation")) == (89, 13)
    [job] = training.list_training_jobs(project)
    assert (job.status, job.dataset_id) == ("Completed", dataset.dataset_id)
    endpoint = deployment.describe_endpoint(project)
    assert endpoint is not None
    assert endpoint.training_job == job.name
    deployed = workflow.describe_workflow(project)
    assert deployed is not None
    assert (deployed.labels, deployed.threshold) == (dataset.labels, 0.3)
    [execution] = workflow.find_executions(project, workflow.Filters()).executions
    assert execution.s3_key == f"{dataset.prefix}test/{image}"
    ends = {"passed": ": passed on", "rejected": "FAILED NOT_A_KNOWN_CLASS"}
    assert ends[execution.outcome] in printed[-1]


def test_on_aws_the_same_steps_ask_the_accounts_own_services(archive: Path, tmp_path: Path) -> None:
    """By the requests, answered as AWS documents it. Source of the image's registry: SageMaker's list of ECR paths."""
    (tmp_path / "config").write_text("[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = example\n")
    values = {
        Example.DATA_STAGING: {"archive": str(archive), "labels": LABELS, "others": 0},
        Example.DEPLOYMENT: {"instance_count": 2},
        Example.WORKFLOW: {"labels": LABELS},
        Example.SUBMISSION: {"image": "bicycle_s_000000.png"},
    }
    told, printed = run("scones-notebook", tmp_path, Place.AWS, values, AWS_CONFIG_FILE=str(tmp_path / "config"))
    asked = {item["operation"]: item for item in told}
    bucket = "scones-notebook-123456789012-eu-west-1"
    assert f"{bucket}.s3.eu-west-1.amazonaws.com" in asked["PutObject"]["host"]
    assert "<LocationConstraint>eu-west-1</LocationConstraint>" in asked["CreateBucket"]["body"]
    assert asked["CreateTrainingJob"]["host"] == "api.sagemaker.eu-west-1.amazonaws.com"
    job = json.loads(asked["CreateTrainingJob"]["body"])
    assert job["RoleArn"] == "arn:aws:iam::123456789012:role/scones-notebook-sagemaker-eu-west-1"
    registry = "685385470294.dkr.ecr.eu-west-1.amazonaws.com"
    assert job["AlgorithmSpecification"]["TrainingImage"] == f"{registry}/image-classification:1"
    [variant] = json.loads(asked["CreateEndpointConfig"]["body"])["ProductionVariants"]
    assert variant["VariantName"] == "AllTraffic"
    assert asked["InvokeEndpoint"]["host"] == "runtime.sagemaker.eu-west-1.amazonaws.com"
    assert asked["StartExecution"]["host"] == "states.eu-west-1.amazonaws.com"
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:scones-notebook"
    assert json.loads(asked["StartExecution"]["body"])["stateMachineArn"] == machine
    assert asked["DeleteEndpoint"]["body"] == asked["DeleteEndpointConfig"]["body"].replace("Config", "")
    assert printed[-1] == "bicycle, 0.970: passed on"


def test_filling_in_keeps_what_is_not_named_and_refuses_what_is_not_there() -> None:
    code = 'a, b = "x", 1\nc = {"k": [1]}  # why\n\nd = a\n'
    assert filled(code, {"b": 2}) == 'a, b = "x", 2\nc = {"k": [1]}  # why\n\nd = a\n'
    assert filled(code, {"c": {"k": ["é"]}}) == 'a, b = "x", 1\nc = {\n    "k": ["é"],\n}  # why\n\nd = a\n'
    with pytest.raises(KeyError, match="nothing"):
        filled(code, {"nothing": 1})
    with pytest.raises(KeyError, match="d"):
        filled(code, {"d": 1})


@pytest.mark.parametrize("example", Example)
@pytest.mark.parametrize("place", Place)
def test_what_is_shown_can_be_run_and_has_the_projects_names(
    environment: Environment, example: Example, place: Place
) -> None:
    code = example_code(environment, example, place, {})
    compile(code, example, "exec")
    assert 'project = "scones-test"' in code
    assert "from examples" not in code
