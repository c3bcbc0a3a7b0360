"""Finding everything that this project made, and deleting it."""

from backend.cleanup.resource import Resource
from backend.cleanup.sweep import delete_resources, list_resources

__all__ = ["Resource", "delete_resources", "list_resources"]
