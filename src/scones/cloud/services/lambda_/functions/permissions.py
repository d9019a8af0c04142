"""Operations on functions' policies, which are recorded but not enforced, like all policies here."""

from __future__ import annotations

import json
import re
import sqlite3

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import root_arn
from scones.cloud.core.json_types import Json, JsonDocument, JsonObject
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords, renew_revision
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.wire.members import Members

_CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}
"""Parameters of a request that become conditions of the statement, with the operator and the key of each."""


class PermissionOperations:
    """Operations on functions' policies."""

    def __init__(self, cloud: CloudContext, names: FunctionNames, records: FunctionRecords) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records

    async def add_permission(self, call: OperationCall) -> Members:
        """Add a statement to a function's policy."""
        function, params = self._names.requested(call), call.params
        if function.qualifier == LATEST:
            message = "We currently do not support adding policies for $LATEST."
            raise ServiceError("InvalidParameterValueException", message, Type="User")
        self._records.find(function)
        self._check_policy_revision(function, params)
        statement = self._statement(function, params)
        qualifier = function.qualifier or ""
        found = self._cloud.store.row(
            "SELECT 1 FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?",
            function.name,
            qualifier,
            params["StatementId"],
        )
        if found:
            message = (
                f"The statement id ({params['StatementId']}) provided already exists. Please provide a new statement "
                "id, or remove the existing statement."
            )
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        row = (function.name, qualifier, params["StatementId"], json.dumps(statement))

        def add(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO function_statements VALUES (?, ?, ?, ?)", row)
            renew_revision(connection, function)

        await self._cloud.store.write(add)
        return {"Statement": json.dumps(statement)}

    def _statement(self, function: FunctionName, params: Members) -> JsonDocument:
        conditions: dict[str, JsonObject] = {}
        for member, (operator, key) in _CONDITIONS.items():
            if member in params:
                value = params[member]
                conditions.setdefault(operator, {})[key] = str(value).lower() if isinstance(value, bool) else value
        return {
            "Sid": params["StatementId"],
            "Effect": "Allow",
            "Principal": _principal(params["Principal"]),
            "Action": params["Action"],
            "Resource": self._records.arn(function.name, function.qualifier),
            **({"Condition": conditions} if conditions else {}),
        }

    async def get_policy(self, call: OperationCall) -> Members:
        """Return a function's policy; its RevisionId is that of the function, version or alias."""
        function = self._names.requested(call)
        policy = self._policy(function)
        if policy is None:
            raise ServiceError(
                "ResourceNotFoundException", "The resource you requested does not exist.", 404, Type="User"
            )
        return {"Policy": policy, "RevisionId": self._records.revision_id(function)}

    def _policy(self, function: FunctionName) -> str | None:
        rows = self._cloud.store.rows(
            "SELECT statement FROM function_statements WHERE function = ? AND qualifier = ? ORDER BY sid",
            function.name,
            function.qualifier or "",
        )
        statements = [json.loads(row["statement"]) for row in rows]
        return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}) if rows else None

    def _check_policy_revision(self, function: FunctionName, params: Members) -> None:
        if "RevisionId" in params and params["RevisionId"] != self._records.revision_id(function):
            message = (
                "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve "
                "the latest Revision Id"
            )
            raise ServiceError("PreconditionFailedException", message, 412, Type="User")

    async def remove_permission(self, call: OperationCall) -> Members:
        """Remove a statement from a function's policy."""
        function, sid = self._names.requested(call), call.params["StatementId"]
        self._records.find(function)
        if self._policy(function) is None:
            message = "No policy is associated with the given resource."
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        self._check_policy_revision(function, call.params)

        def remove(connection: sqlite3.Connection) -> int:
            removed = connection.execute(
                "DELETE FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?",
                (function.name, function.qualifier or "", sid),
            ).rowcount
            if removed:
                renew_revision(connection, function)
            return removed

        if not await self._cloud.store.write(remove):
            message = f"Statement {sid} is not found in resource policy."
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")
        return {}


def _principal(given: str) -> Json:
    if given == "*" or given.endswith(".amazonaws.com"):
        return given if given == "*" else {"Service": given}
    return {"AWS": root_arn(given) if re.fullmatch("[0-9]{12}", given) else given}
