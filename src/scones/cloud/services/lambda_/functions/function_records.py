"""Stored functions, versions, aliases and layers."""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName
from scones.cloud.wire.members import Members

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

_DELETE_ALIAS = (
    "DELETE FROM function_aliases WHERE function = ? AND name = ?",
    "DELETE FROM function_settings WHERE function = ? AND qualifier = ?",
    "DELETE FROM function_urls WHERE function = ? AND qualifier = ?",
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a function: its configuration as AWS describes it, and the digest of its code."""

    configuration: Members
    code_digest: str

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.configuration["FunctionName"])

    @property
    def revision(self) -> str:
        """Identifier that changes with everything that an execution environment is built from.

        RevisionId also changes with tags and with published versions, which need no new environments.
        """
        return f"{self.configuration['Version']}:{self.configuration['LastModified']}:{self.code_digest}"


class FunctionRecords:
    """Reads and writes of Lambda's tables. Raises AWS's errors for records that do not exist."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store

    def arn(self, name: str, qualifier: str | None = None) -> str:
        """Return a function's ARN, with the qualifier if one is given."""
        return self._cloud.arn("lambda", f"function:{name}" + (f":{qualifier}" if qualifier else ""))

    def find(self, function: FunctionName) -> Version:
        """Return the version of a function that its qualifier selects; an alias selects its main version.

        Raises `ResourceNotFoundException` if the function, version or alias does not exist.
        """
        qualifier = function.qualifier or LATEST
        if qualifier != LATEST and not qualifier.isdigit():
            qualifier = self.alias(function.name, qualifier)["FunctionVersion"]
        if qualifier == LATEST:
            row = self._store.row("SELECT document, code FROM functions WHERE name = ?", function.name)
        else:
            row = self._store.row(
                "SELECT document, code FROM function_versions WHERE function = ? AND version = ?",
                function.name,
                qualifier,  # as text: the number may be too long for an integer; the column's affinity converts it
            )
        if row is None:
            raise not_found(self.arn(function.name, function.qualifier))
        return Version(json.loads(row["document"]), row["code"])

    def revision_id(self, function: FunctionName) -> str:
        """Return the RevisionId of a version or an alias; raises `ResourceNotFoundException` if it does not exist."""
        qualifier = function.qualifier or LATEST
        if qualifier == LATEST or qualifier.isdigit():
            return str(self.find(function).configuration["RevisionId"])
        return str(self.alias(function.name, qualifier)["RevisionId"])

    def version_to_invoke(self, function: FunctionName) -> Version:
        """Return the version for an invocation; an alias with two versions chooses one at random by its weights."""
        qualifier = function.qualifier or LATEST
        if qualifier != LATEST and not qualifier.isdigit():
            routing = self.alias(function.name, qualifier).get("RoutingConfig", {})
            for version, weight in routing.get("AdditionalVersionWeights", {}).items():
                if random.random() < weight:
                    return self.find(FunctionName(function.name, version))
        return self.find(FunctionName(function.name, qualifier))  # the error of a missing function names $LATEST

    async def create(self, configuration: Members, code: str, tags: dict[str, str]) -> None:
        """Add a function; raises `ResourceConflictException` if one of that name exists."""
        name, document = configuration["FunctionName"], json.dumps(configuration)

        def insert(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM functions WHERE name = ?", (name,)).fetchone():
                raise ServiceError("ResourceConflictException", f"Function already exist: {name}", 409, Type="User")
            connection.execute(
                "INSERT INTO functions (name, document, code, tags) VALUES (?, ?, ?, ?)",
                (name, document, code, json.dumps(tags)),
            )

        await self._store.write(insert)

    async def update(self, configuration: Members, code: str) -> None:
        """Replace $LATEST, with a new LastModified and a new RevisionId."""
        configuration |= {"LastModified": now(), "RevisionId": new_revision()}
        await self._store.execute(
            "UPDATE functions SET document = ?, code = ? WHERE name = ?",
            json.dumps(configuration),
            code,
            configuration["FunctionName"],
        )

    async def delete(self, function: FunctionName) -> None:
        """Delete a function with everything that belongs to it, or one of its versions.

        Deleting a version that does not exist succeeds. Raises `InvalidParameterValueException` for $LATEST and for an
        alias, and `ResourceConflictException` for a version that an alias references.
        """
        version = function.qualifier
        if version == LATEST:
            reason = "$LATEST version cannot be deleted without deleting the function."
            raise ServiceError("InvalidParameterValueException", reason, Type="User")
        self.find(FunctionName(function.name))
        if version is None:
            await self._store.execute("DELETE FROM functions WHERE name = ?", function.name)
            return
        if not version.isdigit():
            reason = "Deletion of aliases is not currently supported."
            raise ServiceError("InvalidParameterValueException", reason, Type="User")
        aliases = [each["Name"] for each in self.aliases(function.name) if version in _versions(each)]
        if aliases:
            message = f"Unable to delete version because the following aliases reference it: [{', '.join(aliases)}]"
            raise ServiceError("ResourceConflictException", message, 409, Type="User")
        await self._store.execute(
            "DELETE FROM function_versions WHERE function = ? AND version = ?", function.name, version
        )

    async def publish(self, name: str, description: str | None) -> Version:
        """Publish $LATEST as the next version; return the last version if nothing has changed since then.

        A new version gives $LATEST a new RevisionId, too.
        """

        def insert(connection: sqlite3.Connection) -> Version:
            row = connection.execute("SELECT * FROM functions WHERE name = ?", (name,)).fetchone()
            latest = json.loads(row["document"])
            last = connection.execute(
                "SELECT document, code FROM function_versions WHERE function = ? ORDER BY version DESC LIMIT 1", (name,)
            ).fetchone()
            if last is not None and last["code"] == row["code"]:
                published = json.loads(last["document"])
                if _unchanged(published, latest):
                    return Version(published, last["code"])
            number = row["last_version"] + 1
            version = {
                **latest,
                "Version": str(number),
                "FunctionArn": self.arn(name, str(number)),
                "RevisionId": new_revision(),
                **({"Description": description} if description is not None else {}),
            }
            connection.execute("UPDATE functions SET last_version = ? WHERE name = ?", (number, name))
            renew_revision(connection, FunctionName(name))
            connection.execute(
                "INSERT INTO function_versions VALUES (?, ?, ?, ?)", (name, number, json.dumps(version), row["code"])
            )
            return Version(version, row["code"])

        return await self._store.write(insert)

    def latest(self) -> list[Members]:
        """Return the $LATEST configurations of all functions, sorted by name."""
        rows = self._store.rows("SELECT document FROM functions ORDER BY name")
        return [json.loads(row["document"]) for row in rows]

    def versions(self, name: str) -> list[Members]:
        """Return the configurations of $LATEST and of all published versions of a function."""
        latest = self.find(FunctionName(name)).configuration
        rows = self._store.rows("SELECT document FROM function_versions WHERE function = ? ORDER BY version", name)
        return [{**latest, "FunctionArn": self.arn(name, LATEST)}, *(json.loads(row["document"]) for row in rows)]

    def alias(self, function: str, name: str) -> Members:
        """Return an alias; raises `ResourceNotFoundException` if it does not exist."""
        alias = self.find_alias(function, name)
        if alias is None:
            raise not_found(self.arn(function, name))
        return alias

    def check_alias(self, function: FunctionName) -> None:
        """Raise `ResourceNotFoundException` if a qualifier names an alias that does not exist."""
        qualifier = function.qualifier or LATEST
        alias = not qualifier.isdigit() and "$" not in qualifier  # no alias has a dollar sign in its name
        if alias and self.find_alias(function.name, qualifier) is None:
            message = f"Cannot find alias arn: {self.arn(function.name, qualifier)}"
            raise ServiceError("ResourceNotFoundException", message, 404, Type="User")

    def find_alias(self, function: str, name: str) -> Members | None:
        """Return an alias, or None if it does not exist."""
        row = self._store.row("SELECT document FROM function_aliases WHERE function = ? AND name = ?", function, name)
        return json.loads(row["document"]) if row else None

    def aliases(self, function: str) -> list[Members]:
        """Return a function's aliases, sorted by name."""
        rows = self._store.rows("SELECT document FROM function_aliases WHERE function = ? ORDER BY name", function)
        return [json.loads(row["document"]) for row in rows]

    async def put_alias(self, function: str, alias: Members) -> None:
        """Create or replace an alias."""
        await self._store.execute(
            "INSERT OR REPLACE INTO function_aliases VALUES (?, ?, ?)", function, alias["Name"], json.dumps(alias)
        )

    async def delete_alias(self, function: str, name: str) -> None:
        """Delete an alias with its settings and its URL; deleting an alias that does not exist succeeds."""

        def delete(connection: sqlite3.Connection) -> None:
            for statement in _DELETE_ALIAS:
                connection.execute(statement, (function, name))

        await self._store.write(delete)

    def tags(self, name: str) -> dict[str, str]:
        """Return a function's tags; raises `ResourceNotFoundException` if it does not exist."""
        row = self._store.row("SELECT tags FROM functions WHERE name = ?", name)
        if row is None:
            raise not_found(self.arn(name))
        tags: dict[str, str] = json.loads(row["tags"])
        return tags

    async def put_tags(self, name: str, tags: dict[str, str]) -> None:
        """Replace a function's tags, which gives $LATEST a new RevisionId."""

        def update(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE functions SET tags = ? WHERE name = ?", (json.dumps(tags), name))
            renew_revision(connection, FunctionName(name))

        await self._store.write(update)

    def reserved(self, name: str) -> int | None:
        """Return a function's reserved concurrency, or None."""
        row = self._store.row("SELECT reserved FROM functions WHERE name = ?", name)
        return row["reserved"] if row else None

    async def reserve(self, name: str, executions: int | None) -> None:
        """Set a function's reserved concurrency, or remove it (None)."""
        await self._store.execute("UPDATE functions SET reserved = ? WHERE name = ?", executions, name)

    def event_config(self, function: FunctionName) -> Members | None:
        """Return a function's configuration for asynchronous invocation, or None for AWS's defaults."""
        row = self._store.row(
            "SELECT document FROM event_invoke_configs WHERE function = ? AND qualifier = ?",
            function.name,
            function.qualifier or LATEST,
        )
        return json.loads(row["document"]) if row else None

    def layer(self, arn: str) -> Members:
        """Return a layer version by its ARN, to add it to a function.

        Raises `InvalidParameterValueException` if the layer belongs to another account or region, or does not exist.
        """
        name, _, version = Arn.parse(arn).resource_id.partition(":")
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
        document: Members = json.loads(row["document"])
        return document

    def layer_code(self, arn: str) -> str:
        """Return the digest of a layer version's code; a deleted layer version still serves functions that use it."""
        name, _, version = Arn.parse(arn).resource_id.partition(":")
        row = self._store.row("SELECT code FROM layer_versions WHERE name = ? AND version = ?", name, version)
        assert row is not None, f"{arn} does not exist"
        return str(row["code"])

    def used_code(self) -> set[str]:
        """Return the digests of all code that functions, versions and layers use."""
        rows = self._store.rows(
            "SELECT code FROM functions UNION SELECT code FROM function_versions UNION SELECT code FROM layer_versions"
        )
        return {row["code"] for row in rows}


def not_found(arn: str) -> ServiceError:
    """Return AWS's error for a function that does not exist."""
    return ServiceError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")


def _versions(alias: Members) -> set[str]:
    return {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}


def now() -> str:
    """Return the current time in the format of Lambda's LastModified."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def new_revision() -> str:
    """Return a new RevisionId."""
    return str(uuid.uuid4())


def renew_revision(connection: sqlite3.Connection, function: FunctionName, revision: str = "") -> None:
    """Give a version or an alias a new RevisionId, or the given one; $LATEST if the name has no qualifier."""
    qualifier = function.qualifier or LATEST
    if qualifier == LATEST:
        selected, values = "functions SET {} WHERE name = ?", [function.name]
    else:
        table, column = ("function_versions", "version") if qualifier.isdigit() else ("function_aliases", "name")
        selected, values = f"{table} SET {{}} WHERE function = ? AND {column} = ?", [function.name, qualifier]
    sql = f"UPDATE {selected}".format("document = json_set(document, '$.RevisionId', ?)")
    connection.execute(sql, (revision or new_revision(), *values))


def _unchanged(published: Members, latest: Members) -> bool:
    """Return True if $LATEST has not been updated since a version was published, or is equal to it.

    PublishVersion may have given the version a description of its own. Its LastModified is that of $LATEST.
    """
    return published["LastModified"] == latest["LastModified"] or _without_identity(published) == _without_identity(
        latest
    )


def _without_identity(configuration: Members) -> Members:
    omitted = ("Version", "FunctionArn", "RevisionId", "LastModified")
    return {name: value for name, value in configuration.items() if name not in omitted}
