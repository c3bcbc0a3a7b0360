"""
Errors a person may see. Each message says what happened, to what, and what to do next.

* SconesError
  - ConfigurationError
  - EmbeddedAwsUnavailable
  - AwsRequestError
    - NotFound
    - AccessDenied
    - StackFailed
    - StillWaiting
  - SourceUnavailable
  - InvalidArchive
  - InvalidLabels
  - DatasetDamaged
  - ImageMissing
  - InvalidImage
  - TrainingNotPossible
  - TrainingFailed
  - ModelMissing
  - EndpointNotInService
  - DeploymentNotPossible
  - EvaluationNotPossible
  - EvaluationDamaged
  - WorkflowNotDeployed
  - ExecutionsUnavailable
  - InvalidThreshold
  - InvalidDefinition
  - FanOutNotPossible
  - InvalidSubscription
  - TrafficNotPossible
  - CaptureUnavailable
  - CaptureMissing
  - InvalidCaptureSource
  - BaselineTooSmall
  - DriftDamaged
  - DriftNotWatched
  - ReviewNotPossible
  - ReviewDamaged
  - LabelRefused
  - InvalidRule
  - AlertsDamaged
  - CleanupIncomplete
  - JobAlreadyRunning
"""

from __future__ import annotations


class SconesError(Exception):
    """The root of what this project raises on purpose: its text is meant for a person."""


class ConfigurationError(SconesError):
    """When a setting is missing, malformed or contradicts another."""


class EmbeddedAwsUnavailable(SconesError):
    """When the embedded AWS does not start, or ended while it was needed."""


class AwsRequestError(SconesError):
    """When AWS refuses a request, or cannot be reached: exceeded quota, name already taken, outage."""


class NotFound(AwsRequestError):
    """When AWS has no such thing."""


class AccessDenied(AwsRequestError):
    """When the caller lacks a permission."""


class StackFailed(AwsRequestError):
    """When CloudFormation did not bring a stack to where it should be; the message names the resource and why."""


class StillWaiting(AwsRequestError):
    """When AWS takes longer than we wait; what was asked for goes on."""


class SourceUnavailable(SconesError):
    """When a data source cannot be reached or read: no network, no such file."""


class InvalidArchive(SconesError):
    """When an archive is damaged or is not CIFAR-100."""


class InvalidLabels(SconesError):
    """When labels are too few, repeat, or are not among those that a source has."""


class DatasetDamaged(SconesError):
    """When a staged dataset's description or manifest is missing or cannot be read."""


class ImageMissing(SconesError):
    """When there is no image of that key any more."""


class InvalidImage(SconesError):
    """When a file that should be an image is not one, or is too large."""


class TrainingNotPossible(SconesError):
    """When a training job cannot start as asked."""


class TrainingFailed(SconesError):
    """When a training job that was awaited did not complete."""


class ModelMissing(SconesError):
    """When a training job has no model to deploy."""


class EndpointNotInService(SconesError):
    """When a step needs the endpoint and it is missing or not in service."""


class DeploymentNotPossible(SconesError):
    """When the endpoint cannot be changed as asked: no challenger is there, or one is; other classes, a bad place."""


class EvaluationNotPossible(SconesError):
    """When a model cannot be evaluated: its dataset is gone, or it answers for other classes."""


class EvaluationDamaged(SconesError):
    """When a stored evaluation cannot be read."""


class WorkflowNotDeployed(SconesError):
    """When a step needs the state machine and there is none."""


class ExecutionsUnavailable(SconesError):
    """When what was read of executions cannot be kept on this machine: no room, or a disk that fails."""


class InvalidThreshold(SconesError):
    """When a threshold is no confidence."""


class InvalidDefinition(SconesError):
    """When Step Functions would not take a state machine's definition."""


class FanOutNotPossible(SconesError):
    """When many images cannot be sent at once: nothing is deployed for it, or they are too many."""


class InvalidSubscription(SconesError):
    """When nothing can be sent to an address, or a subscription cannot be removed."""


class TrafficNotPossible(SconesError):
    """When traffic cannot be sent as asked: nothing is staged, or a rate, a time or a drift is out of bounds."""


class CaptureUnavailable(SconesError):
    """When captured records cannot be read now."""


class CaptureMissing(SconesError):
    """When a captured record is gone, or its file was deleted or replaced."""


class InvalidCaptureSource(SconesError):
    """When a source of captured records is none, is there already, or is not to be changed."""


class BaselineTooSmall(SconesError):
    """When there are too few records to say what is usual."""


class DriftDamaged(SconesError):
    """When what is kept of the drift alarm cannot be read."""


class DriftNotWatched(SconesError):
    """When an alarm is to be changed or acknowledged, and there is none, or no baseline to compare with."""


class ReviewNotPossible(SconesError):
    """When there is nothing to label, or nobody could say as what."""


class ReviewDamaged(SconesError):
    """When what is kept of a review queue cannot be read."""


class LabelRefused(SconesError):
    """When a label does not count: somebody else gave one first."""


class InvalidRule(SconesError):
    """When a rule for alerts is none: a threshold out of bounds, a name that is taken, too many of them."""


class AlertsDamaged(SconesError):
    """When the rules for alerts, or their states, cannot be read."""


class CleanupIncomplete(SconesError):
    """When some resources could not be deleted; the message names them."""


class JobAlreadyRunning(SconesError):
    """When work is started a second time before the first has ended."""
