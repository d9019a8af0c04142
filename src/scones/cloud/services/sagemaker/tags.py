"""Tags of SageMaker resources, by ARN."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.services.sagemaker.errors import invalid

MAX_TAGS = 50
"""Maximum number of tags per resource."""


class Tags:
    """The tags of all SageMaker resources in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _check(self, arn: str) -> None:
        if self._store.row("SELECT 1 FROM sagemaker_resources WHERE arn = ?", arn) is None:
            raise invalid(f"Could not find a resource with the ARN {arn}.")

    async def add(self, arn: str, tags: Sequence[dict[str, str]]) -> dict[str, Any]:
        """Set tags, and return all tags of the resource; raises `ServiceError` (ValidationException)."""
        self._check(arn)

        def insert(connection: Connection) -> None:
            rows = [(arn, tag["Key"], tag["Value"]) for tag in tags]
            connection.executemany("INSERT OR REPLACE INTO sagemaker_tags VALUES (?, ?, ?)", rows)
            (count,) = connection.execute("SELECT count(*) FROM sagemaker_tags WHERE arn = ?", (arn,)).fetchone()
            if count > MAX_TAGS:
                raise invalid(f"A resource can have up to {MAX_TAGS} tags; {arn} would have {count}.")

        await self._store.write(insert)
        return {"Tags": self._all(arn)}

    def _all(self, arn: str) -> list[dict[str, str]]:
        rows = self._store.rows("SELECT key, value FROM sagemaker_tags WHERE arn = ? ORDER BY key", arn)
        return [{"Key": row["key"], "Value": row["value"]} for row in rows]

    def list(self, arn: str) -> dict[str, Any]:
        """Return all tags of a resource, which fit on one page; raises `ServiceError` (ValidationException)."""
        self._check(arn)
        return {"Tags": self._all(arn)}

    async def delete(self, arn: str, keys: Sequence[str]) -> None:
        """Remove tags by key; raises `ServiceError` (ValidationException)."""
        self._check(arn)
        rows = [(arn, key) for key in keys]
        await self._store.write(
            lambda connection: connection.executemany("DELETE FROM sagemaker_tags WHERE arn = ? AND key = ?", rows)
        )
