"""Executions that anybody started with anything: each is read, and each becomes rows and texts that a page can show.

Step Functions' answers are made up here, as its API has them; everything from boto3's side of them on is ours.
"""

from __future__ import annotations

import json
import pickle
import re
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from backend import workflow
from backend.aws.environment import Environment
from pages.shared.text import as_text, visible
from pages.test_images import execution as page
from tests import answers

AT = datetime(2026, 1, 1, tzinfo=UTC)
LONG = 80
TASK_EVENTS = ("TaskScheduled", "TaskSucceeded", "TaskFailed", "LambdaFunctionFailed", "LambdaFunctionTimedOut")
OTHER_EVENTS = ("MapIterationStarted", "MapIterationFailed", "MapRunStarted", "MapRunFailed", "ParallelStateFailed")
ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut", "ExecutionRedriven")
VERDICT = {
    "predicted_label": "bicycle",
    "predicted_index": 0,
    "confidence": 0.9,
    "probabilities": [0.9, 0.1],
    "threshold": 0.8,
    "is_known": False,
    "meets_threshold": True,
}

MARKUP = """**bold** [a](http://e.example) ![a](http://e.example/x.png) <img src=x onerror=alert(1)> :red[x] :smile:
` # - 1. $x^2$ a@b.example www.e.example \x00 \x1b[31m \u202egnp.exe \ud800 ü-名前 _x_ ~~x~~ | --> :material/x:"""
markup = st.sampled_from([*MARKUP.split(), "# title", "- item", "1. item", "\n\n---\n", "|a|b|\n|-|-|", "\t"])
texts = st.one_of(st.text(max_size=40), st.lists(markup, max_size=4).map(" ".join), st.text("[{<`*_:", max_size=99))
numbers = st.one_of(st.floats(), st.integers(), st.just(10**400))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
verdict_like = st.fixed_dictionaries(
    {}, optional={name: st.one_of(values, st.just(value)) for name, value in VERDICT.items()}
)
deep = st.integers(1, 3_000).map(lambda levels: "[" * levels + "]" * levels)
huge = st.integers(1, 60_000).map(lambda size: json.dumps(list(range(size))))
images = st.fixed_dictionaries({"s3_bucket": texts, "s3_key": values})
lambda_causes = st.fixed_dictionaries({"errorMessage": values, "errorType": texts})
documents = st.one_of(
    texts,
    st.one_of(values, verdict_like, images, lambda_causes).map(lambda value: json.dumps(value)),
    deep,
    huge,
    st.just("9" * 5_000),
)
statuses = st.sampled_from(["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"])
errors = st.one_of(st.sampled_from([workflow.REJECTED, workflow.NOT_A_KNOWN_CLASS]), texts)


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    """DescribeExecution's answer, with any of its optional members."""
    described: dict[str, Any] = {
        "name": draw(st.sampled_from(["a", "ü-名前", "__x__", "x" * LONG])),
        "status": draw(statuses),
    }
    optional = {"input": documents, "output": documents, "error": errors, "cause": documents}
    chosen: dict[str, Any] = {name: draw(strategy) for name, strategy in optional.items() if draw(st.booleans())}
    if draw(st.booleans()):
        chosen |= {"redriveCount": 1, "mapRunArn": "arn:aws:states:us-east-1:1:mapRun:a/b:c"}
    ended = {"stopDate": AT + timedelta(seconds=draw(st.integers(0, 400)))} if draw(st.booleans()) else {}
    return {**described, "startDate": AT, **chosen, **ended}


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """GetExecutionHistory's events in any order, with or without what is optional in them."""
    events: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(("Entered", "Exited", *TASK_EVENTS, *OTHER_EVENTS, *ENDS)))
        event: dict[str, Any] = {"type": kind, "timestamp": AT, "id": number + 1}
        if draw(st.booleans()):
            event["previousEventId"] = draw(st.integers(0, number))
        if kind in ("Entered", "Exited"):
            event["type"] = f"{draw(st.sampled_from(['Task', 'Map', 'Parallel', 'Fail']))}State{kind}"
            content = {"input" if kind == "Entered" else "output": draw(documents)} if draw(st.booleans()) else {}
            event[f"state{kind}EventDetails"] = {"name": draw(st.sampled_from(["A", "A (2)", "<b>"])), **content}
        elif draw(st.booleans()):
            details = {"error": draw(errors), "cause": draw(documents)} if draw(st.booleans()) else {}
            event[f"{kind[0].lower()}{kind[1:]}EventDetails"] = details
        events.append(event)
    return events


def described(
    environment: Environment, description: dict[str, Any], events: list[dict[str, Any]]
) -> workflow.Execution:
    """The execution as the workflow reads it when Step Functions says so."""
    with ExitStack() as stack:
        client = environment.stepfunctions
        stack.enter_context(answers.answered(client, "DescribeExecution", lambda _request: dict(description)))
        stack.enter_context(answers.answered(client, "GetExecutionHistory", lambda _request: {"events": list(events)}))
        return workflow.describe_execution(environment, description["name"])


def check(environment: Environment, description: dict[str, Any], events: list[dict[str, Any]]) -> None:
    """Read an execution and make of it all that pages show of one."""
    execution = described(environment, description, events)
    assert pickle.loads(pickle.dumps(execution)) == execution  # noqa: S301  as st.cache_data keeps it
    frame = pd.DataFrame([page.execution_row(execution, {}, {})])
    [row] = pa.Table.from_pandas(frame).to_pylist()
    assert row["Outcome"] in list(workflow.Outcome)
    check_texts(page.ending_text(execution), *(visit.error or "" for visit in execution.visits))
    titles = page.visit_titles(execution.visits)
    assert len(set(titles)) == len(titles)
    check_texts(execution.name, *titles)
    for content in (
        execution.input,
        *(visit.input for visit in execution.visits),
        *(v.output for v in execution.visits),
    ):
        check_content(content)
    dot = workflow.workflow_graph({"States": {}}, {visit.name: visit.status for visit in execution.visits})
    assert dot.startswith("digraph")


def check_content(content: Any) -> None:
    """JSON that a browser reads, or a text that can be sent there; neither much longer than a screen."""
    if isinstance(content, dict | list):
        json.dumps(page.shortened(content), allow_nan=False).encode()
    else:
        text = page.content_text(content)
        text.encode()
        assert len(text) < 5_000


def check_texts(*found: str) -> None:
    """Each is shown by Markdown as the text it is, and nothing of it acts."""
    for text in found:
        shown = as_text(text)
        shown.encode()
        parts = list(flat(MarkdownIt().enable(["table", "strikethrough"]).parse(shown)))
        assert {part.type for part in parts} <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}
        assert "".join(p.content for p in parts if p.type in ("text", "code_inline")) == " ".join(visible(text).split())
        acting = re.compile(r":[\w\[]|@|www\.|\$|://")
        assert not [part for part in parts if part.type == "text" and acting.search(part.content)]


def flat(tokens: list[Token]) -> list[Token]:
    return [part for token in tokens for part in (token, *(token.children or []))]


ANY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)


@ANY
@given(description=descriptions(), events=histories())
def test_any_execution_is_read_and_shown(
    environment: Environment, description: dict[str, Any], events: list[dict[str, Any]]
) -> None:
    check(environment, description, events)


@pytest.mark.slow
@settings(ANY, max_examples=10_000)
@given(description=descriptions(), events=histories())
def test_ten_thousand_executions_are_read_and_shown(
    environment: Environment, description: dict[str, Any], events: list[dict[str, Any]]
) -> None:
    check(environment, description, events)
