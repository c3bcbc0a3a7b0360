"""The handlers, imported as Lambda does: with their environment variables set, each from its own folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

LAMBDAS = Path(__file__).parents[2] / "lambdas"
VARIABLES = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "ENDPOINT_NAME": "scones",
    "THRESHOLD": "0.93",
    "LABELS": '["bicycle", "motorcycle"]',
}


@pytest.fixture
def load_handler(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Import `lambdas/<folder>/handler.py` anew."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)

    def load(folder: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"{folder}_handler", LAMBDAS / folder / "handler.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
