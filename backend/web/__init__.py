"""What stands around the pages while they are served."""

from backend.web.guard import Guard
from backend.web.lifespan import EnvironmentLifespan

__all__ = ["EnvironmentLifespan", "Guard"]
