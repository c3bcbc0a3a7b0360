"""Two interpreters of Amazon States Language, strangers to each other: MiniStack's, and moto's, which is LocalStack's.

Both run in this process, with the same answers in the place of Lambda and SNS, and wait for nothing. Only JSONata's own
expressions are evaluated by one library in both: moto leaves them to a Java one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.backend.workflow.executed import Definitions, Ended, Tasks
from tests.backend.workflow.on_ministack import on_ministack
from tests.backend.workflow.on_moto import on_moto

Interpreter = Callable[[Definitions, Any, Tasks], Ended]
INTERPRETERS: Mapping[str, Interpreter] = {"MiniStack": on_ministack, "moto": on_moto}
