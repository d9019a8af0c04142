"""Operations on the policies of event buses. The local cloud stores policies and does not enforce them."""

from __future__ import annotations

import json
import re

from scones.cloud.core.arns import root_arn
from scones.cloud.core.json_types import Json, JsonDocument, JsonObject
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.events.errors import invalid
from scones.cloud.services.events.rule_records import RuleRecords
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members

_REQUIRED = ("Action", "Principal", "StatementId")


class PermissionOperations:
    """PutPermission and RemovePermission."""

    def __init__(self, records: RuleRecords) -> None:
        self._records = records

    async def put_permission(self, call: OperationCall) -> Members:
        """Replace a bus's policy, or add a statement to it; a statement of the same id is replaced."""
        params, bus = call.params, self._records.bus(call.params.get("EventBusName"))
        if "Policy" in params:
            await self._put(bus, _policy_in(params["Policy"]))
            return {}
        if missing := [member for member in _REQUIRED if member not in params]:
            raise invalid(f"Parameter(s) {', '.join(missing)} must be specified.")  # AWS's wording is not known
        kept = [each for each in self._statements(bus) if each.get("Sid") != params["StatementId"]]
        await self._put(bus, {"Version": "2012-10-17", "Statement": [*kept, self._statement(bus, params)]})
        return {}

    async def remove_permission(self, call: OperationCall) -> Members:
        """Remove a statement from a bus's policy, or all of them."""
        params, bus = call.params, self._records.bus(call.params.get("EventBusName"))
        statements = self._statements(bus)
        if params.get("RemoveAllPermissions"):
            await self._put(bus, None)
            return {}
        kept = [each for each in statements if each.get("Sid") != params.get("StatementId")]
        if len(kept) == len(statements):
            raise ServiceError("ResourceNotFoundException", "Statement with the provided id does not exist.")
        await self._put(bus, {"Version": "2012-10-17", "Statement": kept} if kept else None)
        return {}

    def _statement(self, bus: str, params: Members) -> JsonDocument:
        principal = params["Principal"]
        condition: JsonObject = {}
        if given := params.get("Condition"):
            condition = {"Condition": {given["Type"]: {given["Key"]: given["Value"]}}}
        return {
            "Sid": params["StatementId"],
            "Effect": "Allow",
            "Principal": {"AWS": root_arn(principal)} if re.fullmatch("[0-9]{12}", principal) else principal,
            "Action": params["Action"],
            "Resource": self._records.bus_arn(bus),
            **condition,
        }

    def _statements(self, bus: str) -> list[JsonDocument]:
        policy = json.loads(self._records.bus_document(bus).get("Policy", "{}"))
        statements: list[JsonDocument] = policy.get("Statement", [])
        return statements

    async def _put(self, bus: str, policy: JsonDocument | None) -> None:
        document = self._records.bus_document(bus)
        document.pop("Policy", None)
        if policy is not None:
            document["Policy"] = json.dumps(policy)
        await self._records.put_bus_document(bus, document)


def _policy_in(text: str) -> JsonDocument:
    """Return a policy; raises `ValidationException` unless it is an object with statements."""
    try:
        policy: Json = json_document.load_text(text)
    except ValueError:
        policy = None
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(each, dict) for each in statements):
        raise invalid("Parameter Policy is not valid.")  # AWS's wording is not known
    assert isinstance(policy, dict)
    return {**policy, "Statement": statements}
