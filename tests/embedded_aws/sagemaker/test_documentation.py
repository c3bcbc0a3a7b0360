"""The documentation says what is there."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded_aws.sagemaker.api.control_plane import OPERATIONS
from embedded_aws.sagemaker.containers.image_classification.hyperparameters import Hyperparameters

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "local-sagemaker.md"
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
OURS = {"backend", "embedded_aws", "lambdas", "pages"}


def test_every_operation_is_documented_and_no_other() -> None:
    table = DOCUMENT.read_text(encoding="utf-8").partition("## Operations")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [\w ]+ \| (.*) \|$", table, re.MULTILINE)
    documented = {operation for row in rows[1:] for operation in row.split(", ")}
    assert documented - {"InvokeEndpoint"} == OPERATIONS.keys()


def test_every_hyperparameter_is_documented_and_no_other() -> None:
    section = DOCUMENT.read_text(encoding="utf-8").partition("### The image-classification algorithm")[2]
    table = section.partition("| Hyperparameters |")[2].partition("\n\n")[0]
    documented = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)", row.split("|")[1])}
    assert documented == Hyperparameters.model_fields.keys()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_the_documents_name_is_there(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    linked = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    called = re.findall(r"^\.venv/bin/python -m pytest (?:--\S+ )*([\w/.]+)", text, re.MULTILINE)
    paths = [document.parent / target for target in linked] + [ROOT / name for name in called]
    assert [path for path in paths if not path.exists()] == []
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_name_of_ours_that_an_example_uses_is_there(document: Path) -> None:
    for module, name in used_names(document.read_text(encoding="utf-8")):
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


def used_names(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of what the Python in a document imports from us, or reads of a module of ours."""
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in OURS:
                yield from ((node.module, alias.name) for alias in node.names)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in OURS:
                yield node.value.id, node.attr


def test_the_contributor_is_told_of_every_target_that_make_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    told = re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert set(told) >= set(targets)
