"""Metrics of executions: Step Functions Developer Guide, "Monitoring Step Functions metrics using CloudWatch"."""

from __future__ import annotations

from scones.cloud.core.service_metrics import Dimensions, ServiceMetrics
from scones.cloud.services.stepfunctions.execution.execution import Execution

NAMESPACE = "AWS/States"
_ENDED = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}


def count_start(metrics: ServiceMetrics, execution: Execution) -> None:
    """Count an execution that has started."""
    metrics.add(NAMESPACE, "ExecutionsStarted", _dimensions(execution), 1.0)


def count_end(metrics: ServiceMetrics, execution: Execution, status: str, stopped: float) -> None:
    """Count an execution that has ended, and record its duration; `stopped` is in Unix seconds."""
    dimensions = _dimensions(execution)
    for each, name in _ENDED.items():
        metrics.add(NAMESPACE, name, dimensions, float(each == status))
    milliseconds = max(0, round((stopped - execution.started) * 1000))
    metrics.add(NAMESPACE, "ExecutionTime", dimensions, milliseconds, unit="Milliseconds")


def _dimensions(execution: Execution) -> Dimensions:
    return (("StateMachineArn", execution.machine),)
