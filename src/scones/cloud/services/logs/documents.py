"""Resource policies and query definitions: documents that CloudWatch Logs stores and returns."""

from __future__ import annotations

import json

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import invalid, limit_exceeded
from scones.cloud.services.logs.page_tokens import list_page
from scones.cloud.wire.members import Members

MAX_POLICIES = 10
"""Maximum number of resource policies per account: CloudWatch Logs User Guide, quotas."""
MAX_DEFINITIONS = 1000
"""Maximum number of query definitions per account."""


class LogDocuments:
    """The stored documents of one kind, by name."""

    def __init__(self, store: Store, kind: str) -> None:
        self._store = store
        self._kind = kind

    def all(self) -> list[Members]:
        """Return all documents by name."""
        rows = self._store.rows("SELECT document FROM log_documents WHERE kind = ? ORDER BY name", self._kind)
        return [dict(json.loads(row["document"])) for row in rows]

    def exists(self, name: str) -> bool:
        """Return True if a document exists."""
        sql = "SELECT 1 FROM log_documents WHERE kind = ? AND name = ?"
        return self._store.row(sql, self._kind, name) is not None

    async def put(self, name: str, document: Members) -> None:
        """Store a document or replace it."""
        sql = "INSERT OR REPLACE INTO log_documents VALUES (?, ?, ?)"
        await self._store.execute(sql, self._kind, name, json.dumps(document))

    async def delete(self, name: str) -> bool:
        """Delete a document; returns False if it did not exist."""
        sql = "DELETE FROM log_documents WHERE kind = ? AND name = ?"
        return bool(await self._store.execute(sql, self._kind, name))


class ResourcePolicyOperations:
    """Operations on resource policies of the account, which are not enforced."""

    def __init__(self, store: Store) -> None:
        self._policies = LogDocuments(store, "resource-policy")

    async def put_resource_policy(self, call: OperationCall) -> Members:
        """Create or replace a policy."""
        params = call.params
        if "resourceArn" in params:
            raise ServiceError("NotImplemented", "The local cloud supports resource policies of the account only.", 501)
        if "policyName" not in params or "policyDocument" not in params:
            raise invalid("policyName and policyDocument must be specified.")  # AWS's words are not known
        name = params["policyName"]
        if not self._policies.exists(name) and len(self._policies.all()) >= MAX_POLICIES:
            raise limit_exceeded()
        policy: Members = {
            "policyName": name,
            "policyDocument": params["policyDocument"],
            "lastUpdatedTime": now_ms(),
            "policyScope": "ACCOUNT",
        }
        await self._policies.put(name, policy)
        return {"resourcePolicy": policy}

    async def describe_resource_policies(self, call: OperationCall) -> Members:
        """List the policies by name."""
        return list_page("resourcePolicies", self._policies.all(), call.params)

    async def delete_resource_policy(self, call: OperationCall) -> Members:
        """Delete a policy; raises `ServiceError` (ResourceNotFoundException)."""
        name = call.params.get("policyName", "")
        if not await self._policies.delete(name):
            raise ServiceError("ResourceNotFoundException", f"Policy with name [{name}] does not exist.")
        return {}


class QueryDefinitionOperations:
    """Operations on saved queries."""

    def __init__(self, store: Store) -> None:
        self._definitions = LogDocuments(store, "query-definition")

    async def put_query_definition(self, call: OperationCall) -> Members:
        """Create a definition, or replace the one with the given ID."""
        params = call.params
        definition_id = params.get("queryDefinitionId")
        if definition_id is None:
            if len(self._definitions.all()) >= MAX_DEFINITIONS:
                raise limit_exceeded()
            definition_id = uuid4()
        elif not self._definitions.exists(definition_id):
            raise _no_definition()
        members = ("name", "queryString", "logGroupNames", "queryLanguage", "parameters")
        definition = {member: params[member] for member in members if member in params}
        await self._definitions.put(
            definition_id, {"queryDefinitionId": definition_id, "lastModified": now_ms(), **definition}
        )
        return {"queryDefinitionId": definition_id}

    async def describe_query_definitions(self, call: OperationCall) -> Members:
        """List the definitions whose names start with a prefix."""
        prefix = call.params.get("queryDefinitionNamePrefix", "")
        found = [each for each in self._definitions.all() if each["name"].startswith(prefix)]
        return list_page("queryDefinitions", found, {"limit": 1000} | call.params)

    async def delete_query_definition(self, call: OperationCall) -> Members:
        """Delete a definition; raises `ServiceError` (ResourceNotFoundException)."""
        if not await self._definitions.delete(call.params["queryDefinitionId"]):
            raise _no_definition()
        return {"success": True}


def _no_definition() -> ServiceError:
    return ServiceError("ResourceNotFoundException", "The specified query definition does not exist.")
