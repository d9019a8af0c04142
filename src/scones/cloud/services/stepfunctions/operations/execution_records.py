"""Stored executions, and their form in responses (AWS's ExecutionListItem)."""

from __future__ import annotations

import sqlite3
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError

LIST_COLUMNS = """
    e.id, e.arn, e.name, e.machine, e.version, e.alias, e.status, e.started, e.stopped,
    (SELECT count(*) FROM sfn_redrives WHERE execution = e.id) AS redrives,
    (SELECT max(at) FROM sfn_redrives WHERE execution = e.id) AS redriven
"""
"""Columns of `sfn_executions AS e` that `execution_list_item` needs, without input and output."""


class ExecutionRecords:
    """Reads of stored executions, running and ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, arn: str) -> sqlite3.Row | None:
        """Return the row of an execution, or None."""
        return self._store.row("SELECT * FROM sfn_executions WHERE arn = ?", arn)

    def get(self, arn: str) -> sqlite3.Row:
        """Return the row of an execution; raises ExecutionDoesNotExist."""
        row = self.find(arn)
        if row is None:
            raise no_execution(arn)
        return row


def no_execution(arn: str) -> ServiceError:
    """Return the error ExecutionDoesNotExist."""
    return ServiceError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def execution_list_item(row: sqlite3.Row) -> dict[str, Any]:
    """Return the members of an ExecutionListItem that do not depend on a Map Run."""
    item = {
        "executionArn": row["arn"],
        "stateMachineArn": row["machine"],
        "name": row["name"],
        "status": row["status"],
        "startDate": row["started"],
        "stopDate": row["stopped"],
        "stateMachineVersionArn": row["version"],
        "stateMachineAliasArn": row["alias"],
        "redriveCount": row["redrives"],
        "redriveDate": row["redriven"],
    }
    return {member: value for member, value in item.items() if value is not None}
