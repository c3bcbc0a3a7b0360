"""The documentation says what is there."""

from __future__ import annotations

import re
from pathlib import Path

from embedded_aws.sagemaker.api.control_plane import OPERATIONS
from embedded_aws.sagemaker.containers.image_classification.hyperparameters import Hyperparameters

DOCUMENT = Path(__file__).parents[3] / "docs" / "local-sagemaker.md"


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
