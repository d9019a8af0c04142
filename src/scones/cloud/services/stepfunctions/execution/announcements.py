"""Execution status change events for EventBridge.

Step Functions Developer Guide, "Automating Step Functions event delivery with EventBridge".
"""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.core.text_size import utf8_size
from scones.cloud.services.events.announcements import announce, milliseconds
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.execution.execution import Execution

_LIMIT = 248 * 1024
"""Maximum bytes of input and output together, as JSON; above it, the event contains neither."""


def announce_execution(
    cloud: CloudContext,
    execution: Execution,
    status: str,
    stopped: float | None = None,
    output: str | None = None,
    failure: StateFailedError | None = None,
) -> None:
    """Send EventBridge the status of an execution that has started or ended (`stopped` in Unix seconds)."""
    included = utf8_size(execution.input) + utf8_size(output or "") <= _LIMIT
    details = {"included": included}
    detail = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "stateMachineVersionArn": execution.version,
        "stateMachineAliasArn": execution.alias,
        "name": execution.name,
        "status": status,
        "startDate": milliseconds(execution.started),
        "stopDate": milliseconds(stopped),
        "input": execution.input if included else None,
        "inputDetails": details,
        "output": output if included else None,
        "outputDetails": details if output is not None else None,
        "error": failure.error if failure else None,
        "cause": failure.cause if failure else None,
        "redriveCount": execution.redrives,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE" if status in ("RUNNING", "SUCCEEDED") else "REDRIVABLE",
    }
    if status in ("RUNNING", "SUCCEEDED"):
        detail["redriveStatusReason"] = f"Execution is {status} and cannot be redriven"
    announce(cloud, "aws.states", "Step Functions Execution Status Change", execution.arn, detail)
