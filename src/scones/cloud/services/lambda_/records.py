"""What is kept of functions, versions, aliases and layers."""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.names import LATEST, FunctionName

SCHEMA = """
    CREATE TABLE IF NOT EXISTS functions (
        name TEXT PRIMARY KEY, document TEXT NOT NULL, code TEXT NOT NULL, tags TEXT NOT NULL DEFAULT '{}',
        reserved INTEGER, last_version INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS function_versions (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, version INTEGER NOT NULL,
        document TEXT NOT NULL, code TEXT NOT NULL, PRIMARY KEY (function, version)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS function_aliases (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, name TEXT NOT NULL,
        document TEXT NOT NULL, PRIMARY KEY (function, name)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS function_statements (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL, sid TEXT NOT NULL,
        statement TEXT NOT NULL, PRIMARY KEY (function, qualifier, sid)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS accepted_events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, function TEXT NOT NULL, payload BLOB NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, accepted REAL NOT NULL, due REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS event_invoke_configs (
        function TEXT NOT NULL REFERENCES functions(name) ON DELETE CASCADE, qualifier TEXT NOT NULL,
        document TEXT NOT NULL, PRIMARY KEY (function, qualifier)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS layer_versions (
        name TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL, code TEXT NOT NULL,
        deleted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (name, version)
    ) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a function: its configuration as AWS describes it, and the digest of its code."""

    configuration: dict[str, Any]
    code: str

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.configuration["FunctionName"])

    @property
    def revision(self) -> str:
        """Changes with whatever an execution environment is made of."""
        return f"{self.configuration['Version']}:{self.configuration['RevisionId']}"


class Records:
    """Reads and writes of Lambda's tables; those that are not found raise AWS's errors."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._store = cloud.store

    def arn(self, name: str, qualifier: str | None = None) -> str:
        """Return a function's ARN."""
        return self._cloud.arn("lambda", f"function:{name}" + (f":{qualifier}" if qualifier else ""))

    def find(self, function: FunctionName) -> Version:
        """Return the version that a name with its qualifier means."""
        qualifier = function.qualifier or LATEST
        if qualifier != LATEST and not qualifier.isdigit():
            qualifier = self.alias(function.name, qualifier)["FunctionVersion"]
        if qualifier == LATEST:
            row = self._store.row("SELECT document, code FROM functions WHERE name = ?", function.name)
        else:
            row = self._store.row(
                "SELECT document, code FROM function_versions WHERE function = ? AND version = ?",
                function.name,
                qualifier,  # as text, which the column's affinity makes a number: of any length
            )
        if row is None:
            raise not_found(self.arn(function.name, function.qualifier))
        return Version(json.loads(row["document"]), row["code"])

    def routed(self, function: FunctionName) -> Version:
        """Return the version that an invocation of a name with its qualifier runs: an alias may have two."""
        qualifier = function.qualifier or LATEST
        if qualifier != LATEST and not qualifier.isdigit():
            routing = self.alias(function.name, qualifier).get("RoutingConfig", {})
            for version, weight in routing.get("AdditionalVersionWeights", {}).items():
                if random.random() < weight:
                    return self.find(FunctionName(function.name, version))
        return self.find(function)

    async def create(self, configuration: dict[str, Any], code: str, tags: dict[str, str]) -> None:
        """Keep a new function."""
        name, document = configuration["FunctionName"], json.dumps(configuration)

        def insert(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM functions WHERE name = ?", (name,)).fetchone():
                raise ServiceError("ResourceConflictException", f"Function already exist: {name}", 409, Type="User")
            connection.execute(
                "INSERT INTO functions (name, document, code, tags) VALUES (?, ?, ?, ?)",
                (name, document, code, json.dumps(tags)),
            )

        await self._store.write(insert)

    async def update(self, configuration: dict[str, Any], code: str) -> None:
        """Keep a changed $LATEST."""
        configuration |= {"LastModified": now(), "RevisionId": str(uuid.uuid4())}
        await self._store.execute(
            "UPDATE functions SET document = ?, code = ? WHERE name = ?",
            json.dumps(configuration), code, configuration["FunctionName"],
        )  # fmt: skip

    async def delete(self, function: FunctionName) -> None:
        """Delete a function with all that belongs to it, or one of its versions: one that is not there is no error."""
        self.find(FunctionName(function.name))
        version = function.qualifier
        if version is None:
            await self._store.execute("DELETE FROM functions WHERE name = ?", function.name)
            return
        if not version.isdigit():
            reason = "Deletion of aliases is not currently supported."
            if version == LATEST:
                reason = "$LATEST version cannot be deleted without deleting the function."
            raise ServiceError("InvalidParameterValueException", reason, Type="User")
        aliases = [each["Name"] for each in self.aliases(function.name) if version in _versions(each)]
        if aliases:
            message = f"Unable to delete version because the following aliases reference it: [{', '.join(aliases)}]"
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        await self._store.execute(
            "DELETE FROM function_versions WHERE function = ? AND version = ?", function.name, version
        )

    async def publish(self, name: str, description: str | None) -> Version:
        """Publish $LATEST as the next version; where nothing has changed since the last, that one is returned."""

        def insert(connection: sqlite3.Connection) -> Version:
            row = connection.execute("SELECT * FROM functions WHERE name = ?", (name,)).fetchone()
            latest = json.loads(row["document"])
            last = connection.execute(
                "SELECT document, code FROM function_versions WHERE function = ? ORDER BY version DESC LIMIT 1", (name,)
            ).fetchone()
            if last is not None and last["code"] == row["code"]:
                published = json.loads(last["document"])
                if _substance(published) == _substance(latest):
                    return Version(published, last["code"])
            number = row["last_version"] + 1
            version = {
                **latest,
                "Version": str(number),
                "FunctionArn": self.arn(name, str(number)),
                "RevisionId": str(uuid.uuid4()),
                **({"Description": description} if description is not None else {}),
            }
            connection.execute("UPDATE functions SET last_version = ? WHERE name = ?", (number, name))
            connection.execute(
                "INSERT INTO function_versions VALUES (?, ?, ?, ?)", (name, number, json.dumps(version), row["code"])
            )
            return Version(version, row["code"])

        return await self._store.write(insert)

    def latest(self) -> list[dict[str, Any]]:
        """Return the configurations of all functions, by name."""
        rows = self._store.rows("SELECT document FROM functions ORDER BY name")
        return [json.loads(row["document"]) for row in rows]

    def versions(self, name: str) -> list[dict[str, Any]]:
        """Return the configurations of $LATEST and of all published versions."""
        latest = self.find(FunctionName(name)).configuration
        rows = self._store.rows("SELECT document FROM function_versions WHERE function = ? ORDER BY version", name)
        return [{**latest, "FunctionArn": self.arn(name, LATEST)}, *(json.loads(row["document"]) for row in rows)]

    def alias(self, function: str, name: str) -> dict[str, Any]:
        """Return an alias."""
        alias = self.find_alias(function, name)
        if alias is None:
            raise not_found(self.arn(function, name))
        return alias

    def find_alias(self, function: str, name: str) -> dict[str, Any] | None:
        """Return an alias, or None where it is not there."""
        row = self._store.row("SELECT document FROM function_aliases WHERE function = ? AND name = ?", function, name)
        return json.loads(row["document"]) if row else None

    def aliases(self, function: str) -> list[dict[str, Any]]:
        """Return a function's aliases, by name."""
        rows = self._store.rows("SELECT document FROM function_aliases WHERE function = ? ORDER BY name", function)
        return [json.loads(row["document"]) for row in rows]

    async def put_alias(self, function: str, alias: dict[str, Any]) -> None:
        """Keep an alias."""
        await self._store.execute(
            "INSERT OR REPLACE INTO function_aliases VALUES (?, ?, ?)", function, alias["Name"], json.dumps(alias)
        )

    async def delete_alias(self, function: str, name: str) -> None:
        """Forget an alias; one that is not there is no error."""
        await self._store.execute("DELETE FROM function_aliases WHERE function = ? AND name = ?", function, name)

    def tags(self, name: str) -> dict[str, str]:
        """Return a function's tags."""
        row = self._store.row("SELECT tags FROM functions WHERE name = ?", name)
        if row is None:
            raise not_found(self.arn(name))
        tags: dict[str, str] = json.loads(row["tags"])
        return tags

    async def put_tags(self, name: str, tags: dict[str, str]) -> None:
        """Replace a function's tags."""
        await self._store.execute("UPDATE functions SET tags = ? WHERE name = ?", json.dumps(tags), name)

    def reserved(self, name: str) -> int | None:
        """Return a function's reserved concurrency, or None."""
        row = self._store.row("SELECT reserved FROM functions WHERE name = ?", name)
        return row["reserved"] if row else None

    async def reserve(self, name: str, executions: int | None) -> None:
        """Reserve concurrency for a function, or give it back."""
        await self._store.execute("UPDATE functions SET reserved = ? WHERE name = ?", executions, name)

    def event_config(self, function: FunctionName) -> dict[str, Any] | None:
        """Return how a function's events are tried again, or None for AWS's defaults."""
        row = self._store.row(
            "SELECT document FROM event_invoke_configs WHERE function = ? AND qualifier = ?",
            function.name, function.qualifier or LATEST,
        )  # fmt: skip
        return json.loads(row["document"]) if row else None

    def layer(self, arn: str) -> dict[str, Any]:
        """Return a layer version that a function may be given, by its ARN."""
        *_, name, version = arn.split(":")
        if arn != self._cloud.arn("lambda", f"layer:{name}:{version}"):
            message = (
                f"The local cloud has no layers of other accounts and regions: {arn}. Publish its content as a layer "
                "of your own with PublishLayerVersion."
            )
            raise ServiceError("InvalidParameterValueException", message, Type="User")
        row = self._store.row(
            "SELECT document FROM layer_versions WHERE name = ? AND version = ? AND NOT deleted", name, version
        )
        if row is None:
            raise ServiceError("InvalidParameterValueException", f"Layer version {arn} does not exist.", Type="User")
        document: dict[str, Any] = json.loads(row["document"])
        return document

    def layer_code(self, arn: str) -> str:
        """Return the digest of a layer version's code, for a function that has it: deleted ones count."""
        *_, name, version = arn.split(":")
        row = self._store.row("SELECT code FROM layer_versions WHERE name = ? AND version = ?", name, version)
        assert row is not None, f"{arn} is not there"
        return str(row["code"])

    def used_code(self) -> set[str]:
        """Return the digests of all code that something still uses."""
        rows = self._store.rows(
            "SELECT code FROM functions UNION SELECT code FROM function_versions UNION SELECT code FROM layer_versions"
        )
        return {row["code"] for row in rows}


def not_found(arn: str) -> ServiceError:
    """Return AWS's answer for a function that is not there."""
    return ServiceError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")


def _versions(alias: dict[str, Any]) -> set[str]:
    return {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}


def now() -> str:
    """Return the time as Lambda's LastModified gives it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def _substance(configuration: dict[str, Any]) -> dict[str, Any]:
    identity = ("Version", "FunctionArn", "RevisionId", "LastModified", "Description")
    return {name: value for name, value in configuration.items() if name not in identity}
