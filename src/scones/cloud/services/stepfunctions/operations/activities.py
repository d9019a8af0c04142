"""The operations on activities."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.stepfunctions.arns import activity_arn
from scones.cloud.services.stepfunctions.encryption import AWS_OWNED_KEY, check_encryption
from scones.cloud.services.stepfunctions.execution.activities import Activities
from scones.cloud.services.stepfunctions.operations.inputs import checked_name
from scones.cloud.services.stepfunctions.operations.paging import after_text, page, page_size
from scones.cloud.services.stepfunctions.state_machines import insert_tags
from scones.cloud.wire.members import Members


class ActivityOperations:
    """Step Functions' operations on activities."""

    def __init__(self, cloud: CloudContext, activities: Activities) -> None:
        self._cloud = cloud
        self._activities = activities

    async def create_activity(self, call: OperationCall) -> Members:
        """Create an activity; a repeated request returns the same activity."""
        params = call.params
        name = checked_name(params["name"])
        check_encryption(params.get("encryptionConfiguration"))
        arn = self._cloud.arn("states", f"activity:{name}")
        encryption = json.dumps(params.get("encryptionConfiguration", AWS_OWNED_KEY), sort_keys=True)
        found = self._cloud.store.row("SELECT * FROM sfn_activities WHERE arn = ?", arn)
        if found is not None and found["encryption"] != encryption:
            raise ServiceError("ActivityAlreadyExists", f"Activity Already Exists: '{arn}'")
        created = time.time() if found is None else found["created"]

        def create(connection: sqlite3.Connection) -> None:
            row = (arn, name, created, encryption)
            made = connection.execute("INSERT OR IGNORE INTO sfn_activities VALUES (?, ?, ?, ?)", row)
            if made.rowcount:
                insert_tags(connection, arn, params.get("tags", []))

        if found is None:
            await self._cloud.store.write(create)
        return {"activityArn": arn, "creationDate": created}

    async def describe_activity(self, call: OperationCall) -> Members:
        """Describe an activity."""
        row = self._activity(call)
        return {
            "activityArn": row["arn"],
            "name": row["name"],
            "creationDate": row["created"],
            "encryptionConfiguration": json.loads(row["encryption"]),
        }

    async def list_activities(self, call: OperationCall) -> Members:
        """List activities in the order of their names."""
        size = page_size(call.params)
        # the ARNs differ only in the names
        sql = "SELECT * FROM sfn_activities WHERE arn > ? ORDER BY arn LIMIT ?"
        rows = self._cloud.store.rows(sql, after_text(call.params), size + 1)
        return page("activities", [(row["arn"], _listed(row)) for row in rows], size)

    async def delete_activity(self, call: OperationCall) -> Members:
        """Delete an activity; as on AWS, it is not an error if it does not exist."""
        arn = activity_arn(call.params["activityArn"])
        await self._cloud.store.execute("DELETE FROM sfn_activities WHERE arn = ?", arn)
        await self._cloud.store.execute("DELETE FROM sfn_tags WHERE arn = ?", arn)
        return {}

    async def get_activity_task(self, call: OperationCall) -> Members:
        """Return the next task to a worker, or an empty response if there is none for a minute."""
        arn = self._activity(call)["arn"]
        taking = self._activities.next_task(arn, call.params.get("workerName"))
        task = await call.while_connected(taking)  # a worker that disconnects while it waits takes no task
        return {} if task is None else {"taskToken": task.token, "input": task.input}

    def _activity(self, call: OperationCall) -> Any:
        arn = activity_arn(call.params["activityArn"])
        row = self._cloud.store.row("SELECT * FROM sfn_activities WHERE arn = ?", arn)
        if row is None:
            raise ServiceError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
        return row


def _listed(row: sqlite3.Row) -> dict[str, Any]:
    return {"activityArn": row["arn"], "name": row["name"], "creationDate": row["created"]}
