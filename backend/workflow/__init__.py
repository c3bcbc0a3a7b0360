"""The Lambdas and the state machine: deploying them, sending images through, and reading what happened."""

from backend.workflow.batch import run_batch
from backend.workflow.executions import describe_execution, list_executions, submit_image
from backend.workflow.graph import workflow_graph
from backend.workflow.model import REJECTED, Execution, LambdaFunction, Outcome, Step, Verdict, Workflow
from backend.workflow.stacks import delete_foundation, delete_workflow, deploy_foundation
from backend.workflow.workflow import DEFAULT_THRESHOLD, deploy_workflow, describe_workflow, update_threshold

__all__ = [
    "DEFAULT_THRESHOLD",
    "REJECTED",
    "Execution",
    "LambdaFunction",
    "Outcome",
    "Step",
    "Verdict",
    "Workflow",
    "delete_foundation",
    "delete_workflow",
    "deploy_foundation",
    "deploy_workflow",
    "describe_execution",
    "describe_workflow",
    "list_executions",
    "run_batch",
    "submit_image",
    "update_threshold",
    "workflow_graph",
]
