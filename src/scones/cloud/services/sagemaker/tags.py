"""Tags of SageMaker resources, by ARN."""

from __future__ import annotations

from sqlite3 import Connection

from scones.cloud.core.store import Store
from scones.cloud.service import OperationCall
from scones.cloud.services.sagemaker.errors import invalid
from scones.cloud.wire.members import Members

MAX_TAGS = 50
"""Maximum number of tags per resource."""


class TagOperations:
    """Operations on the tags of resources."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add_tags(self, call: OperationCall) -> Members:
        """Tag a resource, and return all its tags."""
        arn = self._existing(call.params["ResourceArn"])
        rows = [(arn, tag["Key"], tag["Value"]) for tag in call.params["Tags"]]

        def insert(connection: Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO sagemaker_tags VALUES (?, ?, ?)", rows)
            (count,) = connection.execute("SELECT count(*) FROM sagemaker_tags WHERE arn = ?", (arn,)).fetchone()
            if count > MAX_TAGS:
                raise invalid(f"A resource can have up to {MAX_TAGS} tags; {arn} would have {count}.")

        await self._store.write(insert)
        return {"Tags": self._tags(arn)}

    async def list_tags(self, call: OperationCall) -> Members:
        """List a resource's tags, which fit on one page."""
        return {"Tags": self._tags(self._existing(call.params["ResourceArn"]))}

    async def delete_tags(self, call: OperationCall) -> Members:
        """Remove tags from a resource."""
        arn = self._existing(call.params["ResourceArn"])
        rows = [(arn, key) for key in call.params["TagKeys"]]
        await self._store.write(
            lambda connection: connection.executemany("DELETE FROM sagemaker_tags WHERE arn = ? AND key = ?", rows)
        )
        return {}

    def _existing(self, arn: str) -> str:
        """Return the ARN of an existing resource; raises `ServiceError` (ValidationException)."""
        if self._store.row("SELECT 1 FROM sagemaker_resources WHERE arn = ?", arn) is None:
            raise invalid(f"Could not find a resource with the ARN {arn}.")
        return arn

    def _tags(self, arn: str) -> list[dict[str, str]]:
        rows = self._store.rows("SELECT key, value FROM sagemaker_tags WHERE arn = ? ORDER BY key", arn)
        return [{"Key": row["key"], "Value": row["value"]} for row in rows]
