"""State machines, their revisions, versions and tags."""

from __future__ import annotations

import json
import random
import sqlite3
import time
import uuid
from dataclasses import dataclass
from typing import Any

from scones.cloud.core.store import Store
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.arns import is_alias, machine_arn
from scones.cloud.services.stepfunctions.encryption import AWS_OWNED_KEY
from scones.cloud.wire.members import Members

_OFF = {"level": "OFF", "includeExecutionData": False}
_MAX_TAGS = 50
"""AWS's quota: tags per resource."""
_UNTRACED = {"enabled": False}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "loggingConfiguration": _OFF,
    "tracingConfiguration": _UNTRACED,
    "encryptionConfiguration": AWS_OWNED_KEY,
}


@dataclass(frozen=True, slots=True)
class Revision:
    """An immutable copy of a machine's settings.

    `initial` marks the revision that the machine was created with; AWS gives it no id.
    """

    id: str
    machine: str
    initial: bool
    definition: str
    role: str
    logging: str
    tracing: str
    encryption: str
    updated: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> Revision:
        """Return the revision in a row of `sfn_revisions`; earlier releases stored no default encryption."""
        return cls(
            row["id"],
            row["machine"],
            bool(row["initial"]),
            row["definition"],
            row["role"],
            row["logging"],
            row["tracing"],
            row["encryption"] or json.dumps(AWS_OWNED_KEY),
            row["updated"],
        )

    def content(self) -> tuple[str, str, str, str, str]:
        """Return the settings by which two revisions are compared."""
        return self.definition, self.role, self.logging, self.tracing, self.encryption

    def describe(self) -> dict[str, Any]:
        """Return the members that the Describe operations share."""
        described: dict[str, Any] = {
            "definition": self.definition,
            "roleArn": self.role,
            "loggingConfiguration": json.loads(self.logging),
            "tracingConfiguration": json.loads(self.tracing),
            "encryptionConfiguration": json.loads(self.encryption),
        }
        if not self.initial:
            described["revisionId"] = self.id
        return described

    def columns(self) -> tuple[Any, ...]:
        """Return the row of `sfn_revisions`."""
        return (
            self.id,
            self.machine,
            self.initial,
            self.definition,
            self.role,
            self.logging,
            self.tracing,
            self.encryption,
            self.updated,
        )


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A state machine, with the revision, version and alias that an ARN names."""

    arn: str
    name: str
    type: str
    created: float
    revision: Revision
    version: str | None = None
    description: str | None = None
    alias: str | None = None


def new_revision(machine: str, params: Members, previous: Revision | None) -> Revision:
    """Return the revision for the parameters of a Create or Update; settings that they omit stay as in `previous`."""

    def kept(member: str, old: str | None) -> str:
        if old is None or params.get(member) is not None:
            return json.dumps(_DEFAULTS[member] | (params.get(member) or {}), sort_keys=True)
        return old

    return Revision(
        id=str(uuid.uuid4()),
        machine=machine,
        initial=previous is None,
        definition=params.get("definition") or (previous.definition if previous else ""),
        role=params.get("roleArn") or (previous.role if previous else ""),
        logging=kept("loggingConfiguration", previous.logging if previous else None),
        tracing=kept("tracingConfiguration", previous.tracing if previous else None),
        encryption=kept("encryptionConfiguration", previous.encryption if previous else None),
        updated=time.time(),
    )


class StateMachines:
    """The state machines of one cloud, on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, arn: str) -> StateMachine | None:
        """Return the machine for the ARN of a machine, a version or an alias, or None if it does not exist.

        For an alias of two versions, returns one of them at random, by their weights.
        """
        base, qualifier = machine_arn(arn)
        row = self._store.row("SELECT * FROM sfn_machines WHERE arn = ?", base)
        if row is None:
            return None
        revision, version, description = row["revision"], None, None
        alias = arn if is_alias(arn) else None
        if qualifier is not None:
            version = self._routed(arn) if alias else arn
            published = self._store.row("SELECT * FROM sfn_versions WHERE arn = ?", version)
            if published is None:
                return None
            revision, description = published["revision"], published["description"]
        found = self._store.row("SELECT * FROM sfn_revisions WHERE id = ?", revision)
        assert found is not None
        return StateMachine(
            base, row["name"], row["type"], row["created"], Revision.of(found), version, description, alias
        )

    def _routed(self, alias: str) -> str | None:
        row = self._store.row("SELECT routing FROM sfn_aliases WHERE arn = ?", alias)
        if row is None:
            return None
        routing = json.loads(row["routing"])
        versions = [each["stateMachineVersionArn"] for each in routing]
        (drawn,) = random.choices(versions, [each["weight"] for each in routing])
        return str(drawn)

    def get(self, arn: str) -> StateMachine:
        """Return the machine for an ARN, or raise StateMachineDoesNotExist."""
        machine = self.find(arn)
        if machine is None:
            raise no_machine(arn)
        return machine

    async def create(self, arn: str, name: str, kind: str, revision: Revision, tags: list[dict[str, str]]) -> bool:
        """Write a new machine; return False and write nothing if the ARN exists. Raises TooManyTags."""

        def write(connection: sqlite3.Connection) -> bool:
            made = connection.execute(
                "INSERT OR IGNORE INTO sfn_machines (arn, name, type, created, revision) VALUES (?, ?, ?, ?, ?)",
                (arn, name, kind, revision.updated, revision.id),
            )
            if made.rowcount:
                _insert_revision(connection, revision)
                insert_tags(connection, arn, tags)
            return bool(made.rowcount)

        return await self._store.write(write)

    async def update(self, revision: Revision) -> None:
        """Write a revision and make it the machine's current one; raises StateMachineDoesNotExist."""

        def write(connection: sqlite3.Connection) -> None:
            _insert_revision(connection, revision)
            changed = "UPDATE sfn_machines SET revision = ? WHERE arn = ?"
            if not connection.execute(changed, (revision.id, revision.machine)).rowcount:
                raise no_machine(revision.machine)

        await self._store.write(write)

    async def delete(self, arn: str) -> None:
        """Delete a machine with its versions, aliases and tags; its executions and their revisions remain."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM sfn_machines WHERE arn = ?", (arn,))
            connection.execute("DELETE FROM sfn_versions WHERE machine = ?", (arn,))
            connection.execute("DELETE FROM sfn_aliases WHERE machine = ?", (arn,))
            connection.execute("DELETE FROM sfn_tags WHERE arn = ?", (arn,))

        await self._store.write(write)

    async def publish(
        self, arn: str, revision: str, description: str | None, *, same_description: bool = False
    ) -> tuple[str, float]:
        """Publish a revision; return the version's ARN and its creation time in Unix seconds.

        If the newest version already has this revision, returns that version; with `same_description`, only if it also
        has this description. Raises StateMachineDoesNotExist.
        """

        def write(connection: sqlite3.Connection) -> tuple[str, float]:
            newest = "SELECT * FROM sfn_versions WHERE machine = ? ORDER BY number DESC LIMIT 1"
            last = connection.execute(newest, (arn,)).fetchone()
            if (
                last is not None
                and last["revision"] == revision
                and (not same_description or last["description"] == description)
            ):
                return last["arn"], last["created"]
            if not connection.execute("UPDATE sfn_machines SET versions = versions + 1 WHERE arn = ?", (arn,)).rowcount:
                raise no_machine(arn)
            number = connection.execute("SELECT versions FROM sfn_machines WHERE arn = ?", (arn,)).fetchone()[0]
            version, now = f"{arn}:{number}", time.time()
            connection.execute(
                "INSERT INTO sfn_versions VALUES (?, ?, ?, ?, ?, ?)",
                (version, arn, number, revision, description, now),
            )
            return version, now

        return await self._store.write(write)

    async def tag(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Set tags of a machine or an activity; raise TooManyTags beyond AWS's quota."""
        await self._store.write(lambda connection: insert_tags(connection, arn, tags))

    def tags(self, arn: str) -> list[dict[str, str]]:
        """Return the tags of a resource in the order of their keys."""
        rows = self._store.rows("SELECT key, value FROM sfn_tags WHERE arn = ? ORDER BY key", arn)
        return [{"key": row["key"], "value": row["value"]} for row in rows]


def no_machine(arn: str) -> ServiceError:
    """Return the error StateMachineDoesNotExist."""
    return ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def _insert_revision(connection: sqlite3.Connection, revision: Revision) -> None:
    connection.execute("INSERT INTO sfn_revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", revision.columns())


def insert_tags(connection: sqlite3.Connection, arn: str, tags: list[dict[str, str]]) -> None:
    """Set tags of a machine or an activity; raise TooManyTags beyond AWS's quota."""
    rows = [(arn, tag.get("key", ""), tag.get("value", "")) for tag in tags]
    connection.executemany("INSERT OR REPLACE INTO sfn_tags VALUES (?, ?, ?)", rows)
    (count,) = connection.execute("SELECT count(*) FROM sfn_tags WHERE arn = ?", (arn,)).fetchone()
    if count > _MAX_TAGS:
        message = f"Resource {arn} would have {count} tags; the maximum is {_MAX_TAGS}"
        raise ServiceError("TooManyTags", message, resourceName=arn)
