"""Corrections of recordings that newer recordings of AWS contradict: AWS has changed, and the newest recording counts.

`DATES` states since when recordings show each change. docs/reference/conformance.md explains the changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

DATES = {
    "redrive": datetime(2024, 3, 14),
    "map_run": datetime(2024, 11, 13),
    "encryption": datetime(2024, 11, 20),
}
_ENCRYPTED = ("describe_state_machine", "describe_state_machine_for_execution")
_REDRIVE_STATUS = {
    "RedriveCount": 0,
    "RedriveStatus": "NOT_REDRIVABLE",
    "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
}


def update(case: dict[str, Any]) -> bool:
    """Change the answer that a case expects to AWS's present one; return True if it differs."""
    recorded = datetime.strptime(case["recorded"], "%d-%m-%Y, %H:%M:%S")
    response, history = case["expected"].get("response"), case["expected"].get("history")
    changes = []
    if recorded < DATES["encryption"] and case.get("op") in _ENCRYPTED and isinstance(response, dict):
        changes.append(_add(response, {"encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}))
    if recorded < DATES["redrive"]:
        executions = response.get("executions", []) if isinstance(response, dict) else []
        changes += [_add(execution, {"redriveCount": 0}) for execution in executions]
        changes += [_add(described, _REDRIVE_STATUS) for described in _nested_executions(case["expected"])]
    if recorded < DATES["map_run"] and isinstance(history, list):
        changes += [_end_after_start(event, history) for event in history]
    return any(changes)


def _add(holder: dict[str, Any], members: dict[str, Any]) -> bool:
    missing = {name: value for name, value in members.items() if name not in holder}
    holder.update(missing)
    return bool(missing)


def _nested_executions(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of successful nested executions, which tasks with `.sync` return."""
    if isinstance(value, dict):
        if value.get("Status") == "SUCCEEDED" and "StateMachineArn" in value:
            yield value
        for member in value.values():
            yield from _nested_executions(member)
    elif isinstance(value, list):
        for item in value:
            yield from _nested_executions(item)


def _end_after_start(event: dict[str, Any], history: list[dict[str, Any]]) -> bool:
    """Let the end of a distributed Map refer to MapRunStarted instead of MapRunSucceeded."""
    if event["type"] != "MapStateExited":
        return False
    before = next((other for other in history if other.get("id") == event["previousEventId"]), None)
    if before is None or before["type"] != "MapRunSucceeded":
        return False
    event["previousEventId"] = before["previousEventId"]
    return True
