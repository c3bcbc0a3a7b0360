"""Where MiniStack's Lambda is led to our execution environments (MiniStack 1.5.33)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def install() -> None:
    """Make MiniStack run Python functions with AWS's runtime; call it once, before the first invocation.

    Durable and SnapStart functions stay with MiniStack's own worker, which knows them.
    """
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    from embedded_aws.functions.worker import PythonWorker

    kill_workers = lambda_runtime.kill_workers
    class_for, execute = lambda_runtime._worker_class_for, lambda_svc._execute_function_warm

    def choose_class(config: dict[str, Any]) -> type[Any]:
        return PythonWorker if _is_ours(config) else class_for(config)

    def execute_warm(function: dict[str, Any], event: Any, request_id: str) -> Any:
        ours = _is_ours(function.get("config") or function)
        return (lambda_svc._execute_function_provided_warm if ours else execute)(function, event, request_id)

    def retire_workers(workers: Iterable[Any]) -> None:
        others = []
        for worker in workers:
            if isinstance(worker, PythonWorker):
                worker.retire()
            else:
                others.append(worker)
        kill_workers(others)

    lambda_runtime._worker_class_for = choose_class
    lambda_runtime.kill_workers = retire_workers
    lambda_svc._execute_function_warm = execute_warm


def _is_ours(config: dict[str, Any]) -> bool:
    has_snapshot = (config.get("SnapStart") or {}).get("OptimizationStatus") == "On"
    return str(config.get("Runtime", "")).startswith("python") and not has_snapshot and not config.get("DurableConfig")
