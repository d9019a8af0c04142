"""Stored settings of functions, versions and aliases: one document per kind of setting."""

from __future__ import annotations

import json

from scones.cloud.core.store import Store
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName
from scones.cloud.wire.members import Members

SCHEMA = """
    CREATE TABLE IF NOT EXISTS function_settings (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (function, kind, qualifier)
    ) WITHOUT ROWID
"""
PROVISIONED, RECURSION, UPDATES = "provisioned concurrency", "recursion", "runtime updates"
POLICY, CODE_SIGNING = "policy", "code signing"
"""Kinds of settings. The policy's document has its revision and the order of its statements."""

REQUESTED = "RequestedProvisionedConcurrentExecutions"
"""Member of the setting `PROVISIONED` with the number of environments."""


class SettingRecords:
    """The table of settings; a setting without a qualifier is stored for $LATEST."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, function: FunctionName, kind: str) -> Members | None:
        """Return a setting, or None if it was never stored."""
        row = self._store.row(
            "SELECT document FROM function_settings WHERE function = ? AND kind = ? AND qualifier = ?",
            function.name,
            kind,
            function.qualifier or LATEST,
        )
        return json.loads(row["document"]) if row else None

    def all(self, name: str, kind: str) -> list[tuple[str, Members]]:
        """Return the qualifiers of a function that have a setting, in order, and the setting of each."""
        rows = self._store.rows(
            "SELECT qualifier, document FROM function_settings WHERE function = ? AND kind = ? ORDER BY qualifier",
            name,
            kind,
        )
        return [(row["qualifier"], json.loads(row["document"])) for row in rows]

    async def store(self, function: FunctionName, kind: str, document: Members) -> None:
        """Store a setting, replacing an earlier one."""
        await self._store.execute(
            "INSERT OR REPLACE INTO function_settings (function, qualifier, kind, document) VALUES (?, ?, ?, ?)",
            function.name,
            function.qualifier or LATEST,
            kind,
            json.dumps(document),
        )

    async def delete(self, function: FunctionName, kind: str) -> None:
        """Delete a setting; deleting a setting that does not exist succeeds."""
        await self._store.execute(
            "DELETE FROM function_settings WHERE function = ? AND kind = ? AND qualifier = ?",
            function.name,
            kind,
            function.qualifier or LATEST,
        )
