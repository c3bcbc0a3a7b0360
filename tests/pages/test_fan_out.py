"""Many images at once on the Workflow page, against what Step Functions and S3 have."""

from __future__ import annotations

from collections import Counter

from streamlit.testing.v1 import AppTest

from backend.aws.environment import Environment
from backend.aws.polling import attempts
from tests.pages.visits import Visit, click, errors, metrics, select_rows, table, texts

PAGE = "workflow"
STATUS_OF = {"passed": "SUCCEEDED", "rejected": "FAILED", "failed": "FAILED"}


def sent(app: AppTest, project: Environment) -> str:
    """The name of what the page has just sent, once it has ended and the page shows it."""
    [name, *_] = app.selectbox(key=next(box.key or "" for box in app.selectbox if box.label.startswith("Sent"))).options
    arn = f"arn:aws:states:{project.region}:{project.account}:execution:{project.project}-fan-out:{name}"
    for _ in attempts(name, 60):
        if project.stepfunctions.describe_execution(executionArn=arn)["status"] != "RUNNING":
            break
    app.run()
    assert not app.exception
    return name


def test_all_test_images_are_sent_and_counted_each_with_its_execution(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.selectbox(key="fan_out.images").select("All test images").run()
    click(app, "Send them")
    sent(app, populated)
    keys = {
        item["Key"]
        for page in populated.s3.get_paginator("list_objects_v2").paginate(Bucket=populated.bucket, Prefix="datasets/")
        for item in page.get("Contents", [])
        if "/test/" in item["Key"]
    }
    shown = table(app, "Outcome")
    assert {key.rpartition("/")[2] for key in keys} == set(shown["Image"])
    counts = Counter(shown["Outcome"])
    figures = metrics(app)
    assert figures["Images"] == str(len(keys))
    assert {name: figures[name.capitalize()] for name in counts} == {name: str(count) for name, count in counts.items()}
    row = len(keys) - 1
    select_rows(app, "Outcome", row)
    link = next(link for link in app.main.page_link if link.proto.label.startswith("Execution"))
    name = link.proto.query_string.removeprefix("execution=")
    arn = f"arn:aws:states:{populated.region}:{populated.account}:execution:{populated.project}:{name}"
    described = populated.stepfunctions.describe_execution(executionArn=arn)
    assert shown["Image"][row] in described["input"]
    assert described["status"] == STATUS_OF[shown["Outcome"][row]]


def test_those_of_a_class_alone_are_sent(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.selectbox(key="fan_out.images").select("bicycle").run()
    click(app, "Send them")
    sent(app, populated)
    assert all("bicycle" in name or "bike" in name for name in table(app, "Outcome")["Image"])
    assert metrics(app)["Images"] == "4"


def test_a_prefix_of_nothing_is_said_and_one_of_no_letters_cannot_be_sent(visit: Visit, populated: Environment) -> None:
    app = visit(populated, PAGE)
    app.selectbox(key="fan_out.images").select("A prefix of the bucket").run()
    assert app.button(key="fan_out.send").disabled
    app.text_input(key="fan_out.prefix").set_value("nothing-*here*/").run()
    click(app, "Send them")
    sent(app, populated)
    [said] = errors(app)
    assert said.startswith("NoImages: There is nothing under")
    assert "`" in said
    assert metrics(app)["Images"] == "0"
    assert "Of images under `nothing-*here*/`" in texts(app)
