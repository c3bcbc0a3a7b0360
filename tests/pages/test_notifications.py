"""The notifications of the Workflow page: what SQS and SNS have, and changing it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend import workflow
from backend.aws.environment import Environment
from tests import answers
from tests.pages.conftest import made_project
from tests.pages.visits import Visit, click, errors, links, select_rows, table, texts

PAGE = "workflow"
SENT = "See execution {0} on the Test images page, or arn:aws:states:us-east-1:0:execution:x:{0} in Step Functions."


@pytest.fixture(scope="module")
def deployed(environment: Environment) -> Iterator[Environment]:
    """A project with a workflow, for all tests here."""
    for project in made_project(environment):
        workflow.deploy_workflow(project, project.names.endpoint, ("bicycle", "motorcycle"), 0.9)
        yield project


@pytest.fixture
def told(deployed: Environment) -> Iterator[Environment]:
    """The project, whose topic has sent two notifications, and something of somebody else's."""
    publish(deployed, "Rejected once", f"Too unsure. {SENT.format('first-1')}", "REJECTED")
    publish(deployed, "Failed once", f"No endpoint. {SENT.format('second-2')}", "FAILED")
    publish(deployed, "**Hello**", "![a](https://e.example/a.png)")
    yield deployed
    workflow.clear_inbox(deployed)


def publish(project: Environment, subject: str, text: str, kind: str | None = None) -> None:
    attributes: Any = {"kind": {"DataType": "String", "StringValue": kind}} if kind else {}
    project.sns.publish(TopicArn=project.names.topic_arn, Subject=subject, Message=text, MessageAttributes=attributes)


def subscribed(project: Environment) -> set[str]:
    """The addresses that SNS has, beside the queue."""
    found = project.sns.list_subscriptions_by_topic(TopicArn=project.names.topic_arn)["Subscriptions"]
    return {item["Endpoint"] for item in found if item["Protocol"] != "sqs"}


def test_the_inbox_is_what_was_sent_newest_first_and_a_selected_one_leads_to_its_execution(
    visit: Visit, told: Environment
) -> None:
    app = visit(told, PAGE)
    shown = table(app, "Subject")
    rows = set(zip(shown["Subject"], map(str, shown["Kind"]), map(str, shown["Execution"]), strict=True))
    assert rows == {
        ("Rejected once", "rejected", "first-1"),
        ("Failed once", "failed", "second-2"),
        ("**Hello**", "nan", "nan"),
    }
    assert shown["Sent, UTC"] == sorted(shown["Sent, UTC"], reverse=True)
    assert "3 notifications, kept for 14 days." in texts(app)
    select_rows(app, "Subject", shown["Subject"].index("Failed once"))
    assert "No endpoint." in texts(app)
    *_, link = app.main.page_link  # the one before leads to the endpoint, of which there is none
    assert (link.page, link.proto.query_string) == ("test_images", "execution=second-2")
    select_rows(app, "Subject", shown["Subject"].index("**Hello**"))
    assert "`![a](https://e.example/a.png)`" in texts(app)
    assert links(app) == ["deployment"]


def test_a_cleared_inbox_is_said_to_be_empty(visit: Visit, told: Environment) -> None:
    app = visit(told, PAGE)
    app.button(key="notifications.clear").click().run()
    assert errors(app) == []
    assert "The inbox is empty" in texts(app)
    inbox = workflow.read_inbox(told)
    assert inbox is not None
    assert inbox.held == 0


def test_an_address_to_which_nothing_can_be_sent_is_refused_in_words(visit: Visit, told: Environment) -> None:
    app = visit(told, PAGE)
    app.text_input[-1].set_value("http://example.com")
    click(app, "Subscribe")
    [error] = errors(app)
    assert "not of https" in error
    assert subscribed(told) == set()


def test_a_deployment_of_before_is_told_how_to_get_an_inbox(visit: Visit, told: Environment) -> None:
    def without_inbox(parsed: dict[str, Any]) -> None:
        for stack in parsed["Stacks"]:
            stack["Outputs"] = [item for item in stack.get("Outputs", []) if item["OutputKey"] != "InboxArn"]

    with answers.changed(told.cloudformation, "DescribeStacks", without_inbox):
        app = visit(told, PAGE)
    assert "Update the workflow, and it has one." in texts(app)
    assert errors(app) == []


def test_an_inbox_that_cannot_be_read_leaves_the_rest_of_the_page(visit: Visit, told: Environment) -> None:
    with answers.changed(told.sqs, "ReceiveMessage", answers.denied):
        app = visit(told, PAGE)
    [error] = errors(app)
    assert "Not yours." in error
    assert "Nobody is told beside the inbox." in texts(app)
    assert table(app, "Function")["Function"]


def test_an_address_is_subscribed_shown_and_removed(visit: Visit, told: Environment) -> None:
    app = visit(told, PAGE)
    assert "Nobody is told beside the inbox." in texts(app)
    for address in ("ops@example.com", "https://127.0.0.1:9/told"):
        app.text_input[-1].set_value(address)
        click(app, "Subscribe")
        assert errors(app) == []
    assert subscribed(told) == {"ops@example.com", "https://127.0.0.1:9/told"}
    assert "pending" in texts(app)
    click(app, "Remove")  # only the one that is confirmed can be
    assert subscribed(told) == {"https://127.0.0.1:9/told"}
