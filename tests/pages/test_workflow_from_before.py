"""A workflow that was deployed before there was a class `other`."""

from __future__ import annotations

import json
from pathlib import Path

from backend import workflow
from backend.aws.environment import Environment
from pages.shared import JobName
from tests.machine import from_before
from tests.pages import cloud
from tests.pages.visits import Visit, click, finish


def test_an_update_is_asked_for_where_a_workflow_does_not_know_what_its_endpoint_answers(
    visit: Visit, populated: Environment, tmp_path: Path
) -> None:
    """The endpoint's labels are those of the dataset that its model learned from."""
    key = f"datasets/{cloud.current_dataset(populated)}/dataset.json"
    before = workflow.describe_workflow(populated)
    assert before is not None
    described = cloud.content(populated, key)
    labels = [*json.loads(described)["labels"], "other"]
    try:
        with from_before(tmp_path):
            workflow.deploy_workflow(populated, before.endpoint_name, before.labels, before.threshold)
        assert not visit(populated, "workflow").warning, "nothing is asked of a workflow without such a class"
        populated.s3.put_object(
            Bucket=populated.bucket, Key=key, Body=json.dumps(json.loads(described) | {"labels": labels}).encode()
        )
        app = visit(populated, "workflow")
        assert any("Update the workflow, so that it ends as NOT_A_KNOWN_CLASS." in one.value for one in app.warning)
        click(app, "Update workflow")
        assert finish(app, JobName.WORKFLOW).status == "succeeded"
        assert not app.warning
        assert app.number_input[0].value == before.threshold
    finally:
        populated.s3.put_object(Bucket=populated.bucket, Key=key, Body=described)
        workflow.deploy_workflow(populated, before.endpoint_name, before.labels, before.threshold)
