"""What a container sees of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_aws.sagemaker.containers import process


def test_a_container_has_as_many_threads_as_were_chosen_and_nothing_that_leads_to_aws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = process.environment(tmp_path, {})
    assert seen["OMP_NUM_THREADS"] == "3"
    assert not [name for name in seen if name.startswith("AWS_")]
