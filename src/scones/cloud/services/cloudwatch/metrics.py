"""Operations on metrics."""

from __future__ import annotations

import json
import sqlite3
from itertools import islice

from scones.cloud.core.pages import query_page, read_key
from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.errors import invalid_token
from scones.cloud.wire.members import Members

_PAGE = 500
"""Number of metrics per page, as on AWS."""


class MetricOperations:
    """The operation that lists metrics."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list_metrics(self, call: OperationCall) -> Members:
        """List metrics, filtered by namespace, name and dimensions, 500 per page."""
        params = call.params
        requested = [(each["Name"], each.get("Value")) for each in params.get("Dimensions", [])]
        conditions, values = ["(namespace, name, dimensions) > (?, ?, ?)"], _position(params.get("NextToken"))
        for member, column in (("Namespace", "namespace"), ("MetricName", "name")):
            if member in params:
                conditions.append(f"{column} = ?")
                values.append(params[member])
        sql = f"SELECT * FROM metrics WHERE {' AND '.join(conditions)} ORDER BY namespace, name, dimensions"  # noqa: S608

        def read(connection: sqlite3.Connection) -> list[sqlite3.Row]:
            rows = (
                row
                for row in sliced_on_thread(connection.execute(sql, values))
                if _has_dimensions(json.loads(row["dimensions"]), requested)
            )
            return list(islice(rows, _PAGE + 1))

        rows = await self._store.read_on_thread_with(read)
        found, token = query_page(rows, _PAGE, lambda row: [row["namespace"], row["name"], row["dimensions"]])
        return {"Metrics": [_description(row) for row in found], "NextToken": token}


def _has_dimensions(dimensions: dict[str, str], requested: list[tuple[str, str | None]]) -> bool:
    return all(name in dimensions and value in (None, dimensions[name]) for name, value in requested)


def _description(row: sqlite3.Row) -> Members:
    dimensions: dict[str, str] = json.loads(row["dimensions"])
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return {"Namespace": row["namespace"], "MetricName": row["name"], "Dimensions": listed}


def _position(token: str | None) -> list[str]:
    """Return the namespace, name and dimensions after which the page starts."""
    if not token:
        return ["", "", ""]
    return read_key(token, [str, str, str], invalid_token())
