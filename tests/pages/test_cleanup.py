"""Cleanup: everything that exists is listed, and what is chosen goes, nothing else."""

from __future__ import annotations

import pytest
import streamlit as st
from botocore.exceptions import ClientError
from streamlit.testing.v1 import AppTest

from backend import staging, workflow
from backend.aws.environment import Environment
from pages.shared import JobName
from tests.pages import cloud
from tests.pages.visits import Visit, finish, select_rows, table, texts

PAGE = "cleanup"


@pytest.fixture
def small(own: Environment) -> Environment:
    """A project with a dataset, a workflow and an upload, quickly made."""
    staging.stage_dataset(own, staging.OfflineSample(train_per_class=2, test_per_class=1), other=None)
    workflow.deploy_workflow(own, own.names.endpoint, ("bicycle", "motorcycle"), 0.9)
    own.s3.put_object(Bucket=own.bucket, Key="uploads/mine.png", Body=b"x")
    return own


def select(app: AppTest, *kinds: str) -> None:
    """Select the rows of these kinds."""
    shown = table(app, "Kind")["Kind"]
    select_rows(app, "Kind", *(shown.index(kind) for kind in kinds))


def confirm(app: AppTest, key: str) -> str:
    """Agree to a deletion; returns how the job ended."""
    app.button(key=key).click().run()
    assert not app.exception
    return finish(app, JobName.CLEANUP).status


def test_what_exists_is_listed_by_its_name(visit: Visit, populated: Environment) -> None:
    shown = table(visit(populated, PAGE), "Kind")
    listed = dict(zip(shown["Kind"], shown["Name"], strict=True))
    stacks = {stack["StackName"] for stack in populated.cloudformation.describe_stacks()["Stacks"]}
    assert {listed["workflow stack"], listed["foundation stack"]} <= stacks
    [endpoint] = populated.sagemaker.list_endpoints(NameContains=populated.project)["Endpoints"]
    assert listed["endpoint"] == endpoint["EndpointName"]
    assert listed["bucket"] in {bucket["Name"] for bucket in populated.s3.list_buckets()["Buckets"]}
    assert listed["dataset"] == cloud.current_dataset(populated)


def test_a_selection_is_deleted_and_the_rest_stays(visit: Visit, small: Environment) -> None:
    app = visit(small, PAGE)
    select(app, "dataset")
    assert f"Delete dataset {cloud.current_dataset(small)}?" in texts(app)
    code = cloud.keys(small, "code/")
    assert confirm(app, "cleanup.selected") == "succeeded"
    assert cloud.keys(small, "datasets/") == []
    assert cloud.keys(small, "uploads/") == ["uploads/mine.png"]
    assert cloud.keys(small, "code/") == code
    assert cloud.threshold(small) == 0.9
    assert [element.value for element in app.success] == ["Deleted 1 resource."]


def test_after_a_deletion_nothing_is_selected(visit: Visit, small: Environment) -> None:
    app = visit(small, PAGE)
    select(app, "dataset")
    confirm(app, "cleanup.selected")
    [button] = (button for button in app.button if button.label == "Delete selected")
    assert button.disabled


def test_a_list_that_changed_since_the_selection_loses_nothing(visit: Visit, small: Environment) -> None:
    app = visit(small, PAGE)
    select(app, "files")
    small.s3.put_object(Bucket=small.bucket, Key="data_capture/a.jsonl", Body=b"x")  # listed before the files
    st.cache_data.clear()
    before = cloud.keys(small)
    app.button(key="cleanup.selected").click().run()
    assert not app.exception
    assert cloud.keys(small) == before


def test_everything_is_deleted(visit: Visit, small: Environment) -> None:
    app = visit(small, PAGE)
    assert confirm(app, "cleanup.all") == "succeeded"
    assert "Nothing is left." in texts(app)
    with pytest.raises(ClientError, match="404"):
        small.s3.head_bucket(Bucket=small.bucket)
    for stack in (small.names.workflow_stack, small.names.foundation_stack):
        with pytest.raises(ClientError, match="does not exist"):
            small.cloudformation.describe_stacks(StackName=stack)


def test_nothing_is_deleted_without_a_selection(visit: Visit, small: Environment) -> None:
    app = visit(small, PAGE)
    [button] = (button for button in app.button if button.label == "Delete selected")
    assert button.disabled


def test_what_could_not_be_deleted_is_named(visit: Visit, small: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Not yours."}}, "DeleteObjects")

    app = visit(small, PAGE)
    select(app, "files")
    with monkeypatch.context() as patch:
        patch.setattr("backend.cleanup.storage.delete_prefix", refuse)
        assert confirm(app, "cleanup.selected") == "failed"
    assert "Not yours." in app.error[0].value
    assert "files" in table(app, "Kind")["Kind"]
