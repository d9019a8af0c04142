"""Operations on functions' policies, which are recorded but not enforced, like all policies here."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import root_arn
from scones.cloud.core.json_types import Json, JsonDocument, JsonObject
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords, new_revision, renew_revision
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName, FunctionNames
from scones.cloud.services.lambda_.functions.setting_records import POLICY, SettingRecords
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

_INSERT = "INSERT INTO function_statements VALUES (?, ?, ?, ?)"
_DELETE = "DELETE FROM function_statements WHERE function = ? AND qualifier = ? AND sid = ?"


class PermissionOperations:
    """Operations on functions' policies."""

    def __init__(
        self, cloud: CloudContext, names: FunctionNames, records: FunctionRecords, settings: SettingRecords
    ) -> None:
        self._cloud = cloud
        self._names = names
        self._records = records
        self._settings = settings

    async def add_permission(self, call: OperationCall) -> Members:
        """Add a statement to a function's policy."""
        function, params = self._names.requested(call), call.params
        if function.qualifier == LATEST:
            raise _refused("We currently do not support adding policies for $LATEST.")
        self._records.check_alias(function)
        self._records.find(function)
        self._check_revision(function, params)
        sid, statements = params["StatementId"], self._statements(function)
        if sid in statements:
            message = (
                f"The statement id ({sid}) provided already exists. Please provide a new statement "
                "id, or remove the existing statement."
            )
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        statement = self._statement(function, params)
        await self._change(function, {**statements, sid: statement}, _INSERT, (sid, json.dumps(statement)))
        return {"Statement": json.dumps(statement)}

    async def _change(
        self, function: FunctionName, statements: Mapping[str, object], sql: str, parameters: tuple[str, ...]
    ) -> None:
        """Change one statement; the policy and what it belongs to get the same new revision."""
        revision = new_revision()
        document = json.dumps({"RevisionId": revision, "StatementIds": list(statements)})

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(sql, (function.name, function.qualifier or "", *parameters))
            setting = (function.name, function.qualifier or LATEST, POLICY, document)
            connection.execute("INSERT OR REPLACE INTO function_settings VALUES (?, ?, ?, ?)", setting)
            renew_revision(connection, function, revision)

        await self._cloud.store.write(write)

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
        """Return a function's policy."""
        function = self._names.requested(call)
        statements = self._statements(function)
        if not statements:
            raise _not_found("The resource you requested does not exist.")
        policy = {"Version": "2012-10-17", "Id": "default", "Statement": list(statements.values())}
        return {"Policy": json.dumps(policy), "RevisionId": self._revision(function)}

    def _revision(self, function: FunctionName) -> str:
        """Return the policy's revision; one of an earlier release has that of the function."""
        revision: str = (self._settings.find(function, POLICY) or {}).get("RevisionId") or self._records.revision_id(
            function
        )
        return revision

    def _statements(self, function: FunctionName) -> dict[str, JsonDocument]:
        """Return a function's statements by their ids, in the order in which they were added."""
        rows = self._cloud.store.rows(
            "SELECT sid, statement FROM function_statements WHERE function = ? AND qualifier = ? ORDER BY sid",
            function.name,
            function.qualifier or "",
        )
        order: list[str] = (self._settings.find(function, POLICY) or {}).get("StatementIds", [])
        found = {row["sid"]: json.loads(row["statement"]) for row in rows}
        return {sid: found[sid] for sid in sorted(found, key=lambda sid: order.index(sid) if sid in order else -1)}

    def _check_revision(self, function: FunctionName, params: Members) -> None:
        """Raise `PreconditionFailedException` for a revision that is neither the policy's nor the function's."""
        if params.get("RevisionId") not in (None, self._revision(function), self._records.revision_id(function)):
            message = (
                "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve "
                "the latest Revision Id"
            )
            raise ServiceError("PreconditionFailedException", message, 412, Type="User")

    async def remove_permission(self, call: OperationCall) -> Members:
        """Remove a statement from a function's policy."""
        function, sid = self._names.requested(call), call.params["StatementId"]
        try:
            self._records.find(FunctionName(function.name))
        except ServiceError as error:
            raise _not_found(f"No policy found for: {self._records.arn(function.name)}") from error
        self._records.check_alias(function)
        self._records.find(function)
        statements = self._statements(function)
        if not statements:
            raise _not_found("No policy is associated with the given resource.")
        self._check_revision(function, call.params)
        if statements.pop(sid, None) is None:
            raise _not_found(f"Statement {sid} is not found in resource policy.")
        await self._change(function, statements, _DELETE, (sid,))
        return {}


def _principal(given: str) -> Json:
    if given == "*":
        return given
    if re.fullmatch(r"[a-z0-9.-]+\.(amazonaws\.com(\.cn)?|amazon\.com)", given):
        return {"Service": given}
    if re.fullmatch("[0-9]{12}", given):
        return {"AWS": root_arn(given)}
    if given.startswith("arn:") or re.fullmatch("A[A-Z0-9]{15,}", given):  # an ARN, or a unique ID
        return {"AWS": given}
    raise _refused("The provided principal was invalid. Please check the principal and try again.")


def _refused(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, Type="User")


def _not_found(message: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", message, 404, Type="User")
