"""A process that ends with the one that started it, however that ends: kill -9 closes a pipe too."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


def when_owner_ends(action: Callable[[], None]) -> None:
    """Call `action`, in a thread, when standard input closes: it must be a pipe that only the owner writes to."""

    def watch() -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would be held at the interpreter's end
            pass
        action()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
