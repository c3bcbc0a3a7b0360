"""How much of the machine containers get, and how long whoever waits for one waits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


def _cores() -> int:
    return os.cpu_count() or 1


@dataclass(frozen=True)
class Limits:
    """The machine's cores, and times in seconds."""

    cores: int = field(default_factory=_cores)
    """A variant has no more serving containers; there is one training job at a time for each pair of cores."""
    training_end_seconds: float = 120.0
    """Between SIGTERM and SIGKILL of a training container, as on SageMaker."""
    log_seconds: float = 30.0
    """How long the last lines of a training job are tried to be delivered."""
    ready_seconds: float = 120.0
    """Until a serving container answers /ping."""
    answer_seconds: float = 60.0
    """Until a model answers: SageMaker's own limit."""
    serving_end_seconds: float = 5.0
    """Between SIGTERM and SIGKILL of a serving container."""
    restart_pause_seconds: float = 0.5
    """Before a serving container that ended is started again."""
    restart_seconds: float = 30.0
    """How long a request waits for a container that is being started again."""
