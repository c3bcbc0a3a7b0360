"""
Errors a person may see. Each message says what happened, to what, and what to do next.

* SconesError
  - ConfigurationError
  - EmbeddedAwsError
  - AwsRequestError
  - SourceUnavailable
  - InvalidArchive
  - DatasetNotStaged
  - TrainingNotPossible
  - EndpointNotInService
  - WorkflowNotDeployed
  - InvalidImage
  - CaptureUnavailable
  - CleanupIncomplete
  - JobAlreadyRunning
"""

from __future__ import annotations


class SconesError(Exception):
    """The root of what this project raises on purpose: its text is meant for a person."""


class ConfigurationError(SconesError):
    """When a setting is missing, malformed or contradicts another."""


class EmbeddedAwsError(SconesError):
    """When the embedded AWS does not start, or ended while it was needed."""


class AwsRequestError(SconesError):
    """When AWS refuses a request: missing permission, exceeded quota, name already taken."""


class SourceUnavailable(SconesError):
    """When a data source cannot be reached or read: no network, no such file."""


class InvalidArchive(SconesError):
    """When an archive is damaged or is not CIFAR-100."""


class DatasetNotStaged(SconesError):
    """When a step needs images and none are staged."""


class TrainingNotPossible(SconesError):
    """When a training job cannot start as asked, or has no model to hand on."""


class EndpointNotInService(SconesError):
    """When a step needs the endpoint and it is missing or not in service."""


class WorkflowNotDeployed(SconesError):
    """When a step needs the state machine and its stack is missing or broken."""


class InvalidImage(SconesError):
    """When a file that should be an image is not one."""


class CaptureUnavailable(SconesError):
    """When captured records, or the image behind one, cannot be read."""


class CleanupIncomplete(SconesError):
    """When some resources could not be deleted; the message names them."""


class JobAlreadyRunning(SconesError):
    """When work is started a second time before the first has ended."""
