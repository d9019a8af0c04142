"""Functions' policies: recorded, and not enforced, as all policies are here."""

from __future__ import annotations

import json
import uuid
from typing import Any

from scones.cloud.errors import ServiceError
from scones.cloud.service import Call
from scones.cloud.services.lambda_.names import FunctionName
from scones.cloud.services.lambda_.operations import Operations


class PermissionOperations(Operations):
    """Operations on functions' policies."""

    async def add_permission(self, call: Call) -> dict[str, Any]:
        """Add a statement to a function's policy."""
        function, params = self._function(call), call.params
        self._records.find(function)
        statement = self._statement(function, params)
        qualifier = function.qualifier or ""
        found = self.cloud.store.row(
            "SELECT 1 FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?",
            function.name, qualifier, params["StatementId"],
        )  # fmt: skip
        if found:
            message = (
                f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement "
                "id, or remove the existing statement."
            )
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        await self.cloud.store.execute(
            "INSERT INTO function_statements VALUES (?, ?, ?, ?)",
            function.name, qualifier, params["StatementId"], json.dumps(statement),
        )  # fmt: skip
        return {"Statement": json.dumps(statement)}

    def _statement(self, function: FunctionName, params: dict[str, Any]) -> dict[str, Any]:
        principal = params["Principal"]
        conditions: dict[str, Any] = {}
        if "SourceArn" in params:
            conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
        if "SourceAccount" in params:
            conditions["StringEquals"] = {"AWS:SourceAccount": params["SourceAccount"]}
        return {
            "Sid": params["StatementId"],
            "Effect": "Allow",
            "Principal": {"Service": principal} if principal.endswith(".amazonaws.com") else {"AWS": principal},
            "Action": params["Action"],
            "Resource": self._records.arn(function.name, function.qualifier),
            **({"Condition": conditions} if conditions else {}),
        }

    async def get_policy(self, call: Call) -> dict[str, Any]:
        """Return a function's policy."""
        function = self._function(call)
        rows = self.cloud.store.rows(
            "SELECT statement FROM function_statements WHERE function = ? AND qualifier = ? ORDER BY sid",
            function.name, function.qualifier or "",
        )  # fmt: skip
        if not rows:
            raise ServiceError(
                "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
            )
        statements = [json.loads(row["statement"]) for row in rows]
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return {"Policy": json.dumps(policy), "RevisionId": str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(policy)))}

    async def remove_permission(self, call: Call) -> dict[str, Any]:
        """Remove a statement from a function's policy."""
        function = self._function(call)
        removed = await self.cloud.store.execute(
            "DELETE FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?",
            function.name, function.qualifier or "", call.params["StatementId"],
        )  # fmt: skip
        if not removed:
            raise ServiceError(
                "ResourceNotFoundException", "Statement is not found in resource policy.", 404, Type="User"
            )
        return {}
