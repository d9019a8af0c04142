"""Stored platform applications and platform endpoints."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from dataclasses import dataclass

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.services.sns.errors import check_arn, invalid

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sns_platform_applications (
        arn TEXT PRIMARY KEY, attributes TEXT NOT NULL, created REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sns_platform_endpoints (
        arn TEXT PRIMARY KEY, application TEXT NOT NULL REFERENCES sns_platform_applications(arn) ON DELETE CASCADE,
        attributes TEXT NOT NULL, created REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS sns_platform_endpoints_of_application
        ON sns_platform_endpoints (application, created, arn)
"""


@dataclass(frozen=True, slots=True)
class PlatformRecord:
    """A platform application or a platform endpoint, with its attributes."""

    arn: str
    attributes: dict[str, str]

    @classmethod
    def of(cls, row: sqlite3.Row) -> PlatformRecord:
        """Return the record for a row."""
        return cls(row["arn"], json.loads(row["attributes"]))


class PlatformRecords:
    """Reads and writes the tables of platform applications and endpoints."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store

    def application(self, arn: str) -> PlatformRecord:
        """Return a platform application; raises `NotFound`."""
        row = self._store.row("SELECT * FROM sns_platform_applications WHERE arn = ?", arn)
        if row is None:
            raise ServiceError("NotFound", "PlatformApplication does not exist", 404)
        return PlatformRecord.of(row)

    def applications(self) -> list[PlatformRecord]:
        """Return all platform applications, oldest first."""
        rows = self._store.rows("SELECT * FROM sns_platform_applications ORDER BY created, arn")
        return [PlatformRecord.of(row) for row in rows]

    async def put_application(self, arn: str, attributes: dict[str, str]) -> None:
        """Store a platform application, or replace the attributes of an existing one."""
        await self._store.execute(
            "INSERT INTO sns_platform_applications VALUES (?, ?, ?)"
            " ON CONFLICT (arn) DO UPDATE SET attributes = excluded.attributes",
            arn,
            json.dumps(attributes),
            time.time(),
        )

    async def delete_application(self, arn: str) -> None:
        """Delete a platform application with its endpoints; do nothing if it does not exist."""
        await self._store.execute("DELETE FROM sns_platform_applications WHERE arn = ?", arn)

    def find_endpoint(self, arn: str) -> PlatformRecord | None:
        """Return a platform endpoint, or None."""
        row = self._store.row("SELECT * FROM sns_platform_endpoints WHERE arn = ?", arn)
        return PlatformRecord.of(row) if row else None

    def endpoint(self, arn: str) -> PlatformRecord:
        """Return a platform endpoint; raises `NotFound`, or `InvalidParameter` if `arn` is not an endpoint's ARN."""
        check_arn(arn, "EndpointArn")
        if arn.split(":", 5)[-1].count("/") != 3:
            raise invalid("EndpointArn Reason: Wrong number of slashes in relative portion of the ARN.")
        found = self.find_endpoint(arn)
        if found is None:
            raise ServiceError("NotFound", "Endpoint does not exist", 404)
        return found

    def endpoints(self, application: str) -> list[PlatformRecord]:
        """Return the endpoints of a platform application, oldest first."""
        query = "SELECT * FROM sns_platform_endpoints WHERE application = ? ORDER BY created, arn"
        return [PlatformRecord.of(row) for row in self._store.rows(query, application)]

    async def add_endpoint(self, application: str, attributes: dict[str, str]) -> PlatformRecord:
        """Return the endpoint with a device token; store it if there is none."""
        platform, name = Arn.parse(application).resource.split("/")[1:]
        new = PlatformRecord(self._cloud.arn("sns", f"endpoint/{platform}/{name}/{uuid.uuid4()}"), attributes)

        def keep(connection: sqlite3.Connection) -> PlatformRecord:
            query = (
                "SELECT * FROM sns_platform_endpoints WHERE application = ? AND json_extract(attributes, '$.Token') = ?"
            )
            row = connection.execute(query, (application, attributes["Token"])).fetchone()
            if row is not None:
                return PlatformRecord.of(row)
            connection.execute(
                "INSERT INTO sns_platform_endpoints VALUES (?, ?, ?, ?)",
                (new.arn, application, json.dumps(attributes), time.time()),
            )
            return new

        return await self._store.write(keep)

    async def change_endpoint(self, endpoint: PlatformRecord, attributes: dict[str, str]) -> None:
        """Replace an endpoint's attributes."""
        changed = "UPDATE sns_platform_endpoints SET attributes = ? WHERE arn = ?"
        await self._store.execute(changed, json.dumps(attributes), endpoint.arn)

    async def delete_endpoint(self, arn: str) -> None:
        """Delete an endpoint; do nothing if it does not exist."""
        await self._store.execute("DELETE FROM sns_platform_endpoints WHERE arn = ?", arn)
