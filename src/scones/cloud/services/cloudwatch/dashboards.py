"""Dashboards, which are stored and returned."""

from __future__ import annotations

import json
import re
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.cloudwatch.errors import invalid_value
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS cloudwatch_dashboards (
        name TEXT PRIMARY KEY, body TEXT NOT NULL, modified REAL NOT NULL
    ) WITHOUT ROWID
"""
_NAME = re.compile(r"[A-Za-z0-9_-]+")


class DashboardOperations:
    """Operations on dashboards."""

    def __init__(self, cloud: CloudContext) -> None:
        self._store = cloud.store
        self._account = cloud.settings.account

    async def put_dashboard(self, call: OperationCall) -> Members:
        """Create or replace a dashboard, whose body must be JSON."""
        name, body = call.params["DashboardName"], call.params["DashboardBody"]
        if not _NAME.fullmatch(name):
            raise invalid_value(
                "The value for field DashboardName contains invalid characters. It can only contain alphanumerics,"
                " dash (-) and underscore (_).\n"
            )
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            raise ServiceError(
                "DashboardInvalidInputError",
                "The field DashboardBody must be a valid JSON object",
                DashboardValidationMessages=[{"Message": "The field DashboardBody must be a valid JSON object"}],
            ) from None
        await self._store.execute(
            "INSERT OR REPLACE INTO cloudwatch_dashboards VALUES (?, ?, ?)", name, body, time.time()
        )
        return {"DashboardValidationMessages": []}

    async def get_dashboard(self, call: OperationCall) -> Members:
        """Return a dashboard; raises `ServiceError` (DashboardNotFoundError)."""
        name = call.params["DashboardName"]
        row = self._store.row("SELECT body FROM cloudwatch_dashboards WHERE name = ?", name)
        if row is None:
            raise _not_found(name)
        return {"DashboardName": name, "DashboardArn": self._arn(name), "DashboardBody": row["body"]}

    async def list_dashboards(self, call: OperationCall) -> Members:
        """List dashboards whose names start with a prefix."""
        prefix = call.params.get("DashboardNamePrefix", "")
        rows = self._store.rows("SELECT * FROM cloudwatch_dashboards ORDER BY name")
        return {
            "DashboardEntries": [
                {
                    "DashboardName": row["name"],
                    "DashboardArn": self._arn(row["name"]),
                    "LastModified": row["modified"],
                    "Size": len(row["body"].encode()),
                }
                for row in rows
                if row["name"].startswith(prefix)
            ]
        }

    async def delete_dashboards(self, call: OperationCall) -> Members:
        """Delete dashboards; if one does not exist, none is deleted."""
        names = call.params["DashboardNames"]
        if not names:
            raise invalid_value("Invalid list of dashboard names")
        for name in names:
            if self._store.row("SELECT 1 FROM cloudwatch_dashboards WHERE name = ?", name) is None:
                raise _not_found(name)
        for name in names:
            await self._store.execute("DELETE FROM cloudwatch_dashboards WHERE name = ?", name)
        return {}

    def _arn(self, name: str) -> str:
        return str(Arn(service="cloudwatch", account=self._account, resource=f"dashboard/{name}"))


def _not_found(name: str) -> ServiceError:
    return ServiceError("DashboardNotFoundError", f"Dashboard {name} does not exist", 404)
