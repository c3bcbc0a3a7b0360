"""When MiniStack's state is saved."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from embedded_aws.ministack import _SavingApp
from embedded_aws.ministack_state import MiniStackState


async def nothing(*_: Any) -> None: ...


def test_an_execution_that_ends_without_any_request_is_saved_too(tmp_path: Path) -> None:
    """One that sends many images starts others for minutes, and each may tell an inbox of its end."""
    state = MiniStackState(tmp_path / "state")
    with closing(state._journal):
        app = _SavingApp(nothing, state, tmp_path)
        assert not app._is_active(time.monotonic())
        state._saved_at_its_end(lambda _arn: None)("arn")
        assert app._is_active(time.monotonic())
        assert not app._is_active(time.monotonic() + 3600)
