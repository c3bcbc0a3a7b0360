"""The settings, and that the README tells of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend.errors import ConfigurationError
from backend.settings import Settings, load_settings
from embedded_aws.settings import EmbeddedSettings

README = Path(__file__).parents[2] / "README.md"


def test_nothing_needs_setting_on_a_laptop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SCONES_{name.upper()}", raising=False)
    assert load_settings().environment == "embedded"


def test_a_wrong_value_is_named_with_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCONES_ENVIRONMENT", "azure")
    with pytest.raises(ConfigurationError, match="SCONES_ENVIRONMENT"):
        load_settings()


@pytest.mark.parametrize("name", ["-scones", "Scones", "s", "a" * 29, "scones_unlimited"])
def test_a_project_name_that_aws_would_refuse_in_a_bucket_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SCONES_PROJECT", name)
    with pytest.raises(ConfigurationError, match="SCONES_PROJECT"):
        load_settings()


FIELDS = EmbeddedSettings.model_fields | Settings.model_fields


@pytest.mark.parametrize("name", list(FIELDS))
def test_the_readme_tells_of_every_setting_and_its_default(name: str) -> None:
    field = FIELDS[name]
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if f"| `SCONES_{name.upper()}`" in line]
    assert len(rows) == 1
    assert str(field.description) in rows[0]
    assert field.default is None or f"`{field.default}`" in rows[0]


def test_the_readme_tells_of_no_other_setting() -> None:
    rows = re.findall(r"^\| `SCONES_(\w+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {row.lower() for row in rows} == FIELDS.keys()


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name in EmbeddedSettings.model_fields])
def test_what_both_the_app_and_the_embedded_aws_read_has_one_default(name: str) -> None:
    assert Settings.model_fields[name].default == EmbeddedSettings.model_fields[name].default
