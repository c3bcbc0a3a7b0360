"""Inference ids: one for each execution's name, the same in the app and in ClassifyImage, and the way back."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from backend import workflow
from backend.aws.environment import Environment
from backend.monitoring import labels
from backend.workflow.inference_ids import inference_id, is_derived, is_execution_name
from tests import answers

LAMBDA = Path(__file__).parents[3] / "lambdas" / "classify_image" / "handler.py"
IDS = [
    ("bicycle-0123456789abcdef", "bicycle-0123456789abcdef"),
    ("x" * 64, "x" * 64),
    # printf %s NAME | sha256sum | cut -c-16
    ("x" * 65, "x" * 47 + "~9537c5fdf120482f"),
    ("x" * 80, "x" * 47 + "~d929cdeea7e6a0f4"),
    ("ü-名前", "---~c9dfcdaa70d9f7df"),
    ("Bestellung-für-Zoë", "Bestellung-f-r-Zo-~8193cea31528af67"),
    ("ü" * 80, "-~5b5f980ce548fe26"),
    ("a.b_c(d)!'=@+", "a.b_c(d)!'=@+"),
]


@pytest.fixture
def in_lambda(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """ClassifyImage's own derivation: it imports nothing of ours."""
    monkeypatch.setenv("ENDPOINT_NAME", "scones")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    spec = importlib.util.spec_from_file_location("classify_image_ids", LAMBDA)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    derive: Callable[[str], str] = module.inference_id
    return derive


@pytest.mark.parametrize(("name", "identifier"), IDS)
def test_the_app_and_the_lambda_derive_the_same(in_lambda: Callable[[str], str], name: str, identifier: str) -> None:
    assert inference_id(name) == identifier
    assert in_lambda(name) == identifier


@pytest.mark.parametrize(("name", "identifier"), IDS)
def test_an_id_is_one_that_invoke_endpoint_takes(name: str, identifier: str) -> None:
    model = botocore.session.get_session().get_service_model("sagemaker-runtime")
    request = model.operation_model("InvokeEndpoint").input_shape
    assert request is not None
    shape = request.members["InferenceId"]
    assert shape.metadata["pattern"] == r"\A\S[\p{Print}]*\z"
    assert len(identifier) <= shape.metadata["max"]
    assert re.fullmatch(r"[!-~][ -~]*", identifier)
    assert is_execution_name(name)


def test_a_derived_id_is_never_taken_for_a_name() -> None:
    """Two executions may not share an id, nor may one be found for another."""
    assert [is_derived(identifier) for _, identifier in IDS] == [name != identifier for name, identifier in IDS]
    assert [is_execution_name(identifier) for _, identifier in IDS] == [name == identifier for name, identifier in IDS]


def listing(pages: list[list[str]], asked: list[dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """ListExecutions of these pages; what it was asked is kept."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        position = int(request.get("nextToken", "0"))
        more = {"nextToken": str(position + 1)} if position + 1 < len(pages) else {}
        return {"executions": [{"name": name} for name in pages[position]], **more}

    return answer


def test_a_derived_id_is_found_among_the_executions_page_by_page(environment: Environment) -> None:
    asked: list[dict[str, Any]] = []
    pages = [["one", "two"], ["ü-名前", "x" * 80], ["never read"]]
    ids = [inference_id("ü-名前"), "one", inference_id("x" * 80), "not a name"]
    with answers.answered(environment.stepfunctions, "ListExecutions", listing(pages, asked)):
        found = workflow.names_by_inference(environment, ids)
    assert found == {ids[0]: "ü-名前", "one": "one", ids[2]: "x" * 80}
    assert len(asked) == 2


def test_ids_that_are_names_need_no_list(environment: Environment) -> None:
    with answers.changed(environment.stepfunctions, "ListExecutions", answers.denied):
        assert workflow.names_by_inference(environment, ["one", "two"]) == {"one": "one", "two": "two"}


def test_the_search_ends_with_the_newest_ten_thousand(environment: Environment) -> None:
    asked: list[dict[str, Any]] = []
    pages = [[f"{page}-{number}" for number in range(1000)] for page in range(12)]
    with answers.answered(environment.stepfunctions, "ListExecutions", listing(pages, asked)):
        assert labels.keys_by_inference(environment, [inference_id("ü-名前")]) == {}
    assert len(asked) == 10
