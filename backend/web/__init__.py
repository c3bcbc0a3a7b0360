"""What stands around the pages while they are served."""

from backend.web.guard import Guard
from backend.web.lifespan import EnvironmentLifespan
from backend.web.patience import PatientConnections

__all__ = ["EnvironmentLifespan", "Guard", "PatientConnections"]
