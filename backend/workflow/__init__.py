"""The Lambdas and the state machine: deploying them, sending images through, and reading what happened."""

from backend.workflow.batch import run_batch
from backend.workflow.deploy import (
    DEFAULT_THRESHOLD,
    REBUILD,
    LambdaFunction,
    Workflow,
    delete_workflow,
    deploy_workflow,
    describe_workflow,
    update_threshold,
)
from backend.workflow.executions import describe_execution, list_executions, names_by_inference, submit_image
from backend.workflow.graph import workflow_graph
from backend.workflow.notifications import Inbox, Notification, clear_inbox, read_inbox
from backend.workflow.outcome import NOT_A_KNOWN_CLASS, REJECTED, Execution, Outcome, StateVisit, Verdict
from backend.workflow.subscriptions import Subscription, list_subscriptions, subscribe, unsubscribe
from backend.workflow.uploads import submit_uploads

__all__ = [
    "DEFAULT_THRESHOLD",
    "NOT_A_KNOWN_CLASS",
    "REBUILD",
    "REJECTED",
    "Execution",
    "Inbox",
    "LambdaFunction",
    "Notification",
    "Outcome",
    "StateVisit",
    "Subscription",
    "Verdict",
    "Workflow",
    "clear_inbox",
    "delete_workflow",
    "deploy_workflow",
    "describe_execution",
    "describe_workflow",
    "list_executions",
    "list_subscriptions",
    "names_by_inference",
    "read_inbox",
    "run_batch",
    "submit_image",
    "submit_uploads",
    "subscribe",
    "unsubscribe",
    "update_threshold",
    "workflow_graph",
]
