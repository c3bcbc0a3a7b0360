"""The Lambdas and the state machine: deploying them, sending images through, and reading what happened."""

from backend.workflow.batch import run_batch
from backend.workflow.batches import (
    Batch,
    BatchList,
    BatchState,
    BatchSummary,
    Result,
    describe_batch,
    list_batches,
    read_batch,
    read_results,
)
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
from backend.workflow.execution_export import export_executions
from backend.workflow.execution_list import Filters, Found, describe_rest, find_executions, list_executions
from backend.workflow.executions import describe_execution, names_by_inference, submit_image
from backend.workflow.graph import workflow_graph
from backend.workflow.notifications import Inbox, Notification, clear_inbox, read_inbox
from backend.workflow.outcome import NOT_A_KNOWN_CLASS, REJECTED, Event, Execution, Outcome, StateVisit, Verdict
from backend.workflow.steering import stop_execution
from backend.workflow.submission import Submission, resume_batch, submit_again, submit_images
from backend.workflow.subscriptions import Subscription, list_subscriptions, subscribe, unsubscribe
from backend.workflow.uploads import submit_uploads

__all__ = [
    "DEFAULT_THRESHOLD",
    "NOT_A_KNOWN_CLASS",
    "REBUILD",
    "REJECTED",
    "Batch",
    "BatchList",
    "BatchState",
    "BatchSummary",
    "Event",
    "Execution",
    "Filters",
    "Found",
    "Inbox",
    "LambdaFunction",
    "Notification",
    "Outcome",
    "Result",
    "StateVisit",
    "Submission",
    "Subscription",
    "Verdict",
    "Workflow",
    "clear_inbox",
    "delete_workflow",
    "deploy_workflow",
    "describe_batch",
    "describe_execution",
    "describe_rest",
    "describe_workflow",
    "export_executions",
    "find_executions",
    "list_batches",
    "list_executions",
    "list_subscriptions",
    "names_by_inference",
    "read_batch",
    "read_inbox",
    "read_results",
    "resume_batch",
    "run_batch",
    "stop_execution",
    "submit_again",
    "submit_image",
    "submit_images",
    "submit_uploads",
    "subscribe",
    "unsubscribe",
    "update_threshold",
    "workflow_graph",
]
