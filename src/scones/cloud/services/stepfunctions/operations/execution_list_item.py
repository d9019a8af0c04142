"""An execution in the form of AWS's ExecutionListItem."""

from __future__ import annotations

import sqlite3
from typing import Any

LIST_COLUMNS = """
    e.id, e.arn, e.name, e.machine, e.version, e.alias, e.status, e.started, e.stopped,
    (SELECT count(*) FROM sfn_redrives WHERE execution = e.id) AS redrives,
    (SELECT max(at) FROM sfn_redrives WHERE execution = e.id) AS redriven
"""
"""Columns of `sfn_executions AS e` that `execution_list_item` needs, without input and output."""


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
