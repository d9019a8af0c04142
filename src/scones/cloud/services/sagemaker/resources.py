"""SageMaker's named resources in the store: JSON documents in the form of Describe, listed by indexed columns."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row

from scones.cloud.core.pages import query_page, read_key
from scones.cloud.core.store import Store
from scones.cloud.services.sagemaker.errors import invalid_token
from scones.cloud.wire.members import Members, MemberValue

SCHEMA = """
CREATE TABLE IF NOT EXISTS sagemaker_resources (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    arn TEXT NOT NULL,
    status TEXT NOT NULL,
    created REAL NOT NULL,
    modified REAL NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX IF NOT EXISTS sagemaker_resources_created ON sagemaker_resources (kind, created, name);
CREATE INDEX IF NOT EXISTS sagemaker_resources_modified ON sagemaker_resources (kind, modified, name);
CREATE INDEX IF NOT EXISTS sagemaker_resources_status ON sagemaker_resources (kind, status, name);
CREATE INDEX IF NOT EXISTS sagemaker_resources_of_status ON sagemaker_resources (kind, status, created, name);
CREATE INDEX IF NOT EXISTS sagemaker_resources_arn ON sagemaker_resources (arn);
CREATE INDEX IF NOT EXISTS sagemaker_resources_token ON sagemaker_resources
    (kind, json_extract(document, '$.ClientToken'));
CREATE INDEX IF NOT EXISTS sagemaker_resources_group ON sagemaker_resources
    (kind, json_extract(document, '$.ModelPackageGroupName'));
CREATE TABLE IF NOT EXISTS sagemaker_tags (
    arn TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
)
"""

log = logging.getLogger(__name__)

Document = Members
"""A resource in the form of Describe; some kinds have further members, which Describe does not show."""
_COLUMNS = {"Name": "name", "CreationTime": "created", "LastModifiedTime": "modified", "Status": "status"}
_BOUNDS = {
    "CreationTimeAfter": "created > ?",
    "CreationTimeBefore": "created < ?",
    "LastModifiedTimeAfter": "modified > ?",
    "LastModifiedTimeBefore": "modified < ?",
}
PAGE = 10
"""Number of resources on a page if MaxResults is not given, as on AWS."""


@dataclass(frozen=True, slots=True)
class ResourceTable:
    """The resources of one kind; `status` names the member that holds their status, if they have one.

    `changed` is called with every document whose status or secondary status has changed, after the change is on disk.
    """

    store: Store
    kind: str
    status: str = ""
    on_change: Callable[[Document], None] | None = None

    def get(self, name: str) -> Document | None:
        """Return a resource's document, or None."""
        row = self.store.row("SELECT document FROM sagemaker_resources WHERE kind = ? AND name = ?", self.kind, name)
        return json.loads(row["document"]) if row else None

    def all(self) -> list[Document]:
        """Return every document, oldest first."""
        rows = self.store.rows(
            "SELECT name, document FROM sagemaker_resources WHERE kind = ? ORDER BY created, name", self.kind
        )
        return [document for row in rows if (document := self._read_document(row)) is not None]

    def _read_document(self, row: Row) -> Document | None:
        """Return the document of a row; log a damaged one and return None, so that listings leave it out."""
        try:
            document: Document = json.loads(row["document"])
        except (TypeError, ValueError) as error:
            log.error("The record of %s %s is damaged: %s", self.kind, row["name"], error)
            return None
        return document

    def of_status(self, *statuses: str) -> list[Document]:
        """Return the documents with any of the given statuses, sorted by status and then oldest first."""
        rows = self.store.rows(
            "SELECT name, document FROM sagemaker_resources WHERE kind = ?"  # noqa: S608 - placeholders only
            f" AND status IN ({', '.join('?' * len(statuses))}) ORDER BY status, created, name",
            self.kind,
            *statuses,
        )
        return [document for row in rows if (document := self._read_document(row)) is not None]

    def with_arn(self, arn: str) -> Document | None:
        """Return the document of the resource with an ARN, or None."""
        row = self.store.row("SELECT document FROM sagemaker_resources WHERE kind = ? AND arn = ?", self.kind, arn)
        return json.loads(row["document"]) if row else None

    def first(self, **members: MemberValue) -> Document | None:
        """Return a document whose members have these values, or None if there is none."""
        conditions, values = _equal(members)
        row = self.store.row(
            f"SELECT document FROM sagemaker_resources WHERE {' AND '.join(['kind = ?', *conditions])} LIMIT 1",  # noqa: S608
            self.kind,
            *values,
        )
        return json.loads(row["document"]) if row else None

    async def add(self, name: str, arn: str, document: Document, tags: list[dict[str, str]]) -> bool:
        """Store a new resource with its tags; return False if the name exists."""

        def insert(connection: Connection) -> bool:
            added = connection.execute(
                "INSERT OR IGNORE INTO sagemaker_resources VALUES (?, ?, ?, ?, ?, ?, ?)",
                (self.kind, name, arn, *self._columns(document)),
            ).rowcount
            if added:
                connection.executemany(
                    "INSERT OR REPLACE INTO sagemaker_tags VALUES (?, ?, ?)",
                    [(arn, tag["Key"], tag["Value"]) for tag in tags],
                )
            return bool(added)

        added = await self.store.write(insert)
        if added and self.on_change:
            self.on_change(document)
        return added

    def _columns(self, document: Document) -> tuple[str, float, float, str]:
        created: float = document["CreationTime"]
        modified: float = document.get("LastModifiedTime", created)
        return document.get(self.status, ""), created, modified, json.dumps(document)

    async def update(self, name: str, change: Callable[[Document], None]) -> Document | None:
        """Apply `change` to a document in one transaction and return it; return None if there is none."""

        def apply(connection: Connection) -> tuple[Document | None, bool]:
            row = connection.execute(
                "SELECT document FROM sagemaker_resources WHERE kind = ? AND name = ?", (self.kind, name)
            ).fetchone()
            if row is None:
                return None, False
            document: Document = json.loads(row["document"])
            before = self._statuses(document)
            change(document)
            connection.execute(
                "UPDATE sagemaker_resources SET status = ?, created = ?, modified = ?, document = ? "
                "WHERE kind = ? AND name = ?",
                (*self._columns(document), self.kind, name),
            )
            return document, self._statuses(document) != before

        document, changed = await self.store.write(apply)
        if document is not None and changed and self.on_change:
            self.on_change(document)
        return document

    def _statuses(self, document: Document) -> tuple[str | None, str | None]:
        return document.get(self.status), document.get("SecondaryStatus")

    async def remove(self, name: str) -> bool:
        """Remove a resource and its tags; return False if there is none."""

        def delete(connection: Connection) -> bool:
            connection.execute(
                "DELETE FROM sagemaker_tags WHERE arn = "
                "(SELECT arn FROM sagemaker_resources WHERE kind = ? AND name = ?)",
                (self.kind, name),
            )
            found = connection.execute("DELETE FROM sagemaker_resources WHERE kind = ? AND name = ?", (self.kind, name))
            return bool(found.rowcount)

        return await self.store.write(delete)

    async def page(
        self,
        params: Mapping[str, MemberValue],
        order: str,
        members: Mapping[str, MemberValue] | None = None,
        parts: Mapping[str, str] | None = None,
    ) -> tuple[list[Document], dict[str, str]]:
        """Return one page of documents for a List operation, and its NextToken member, which is empty on the last page.

        `order` is the operation's default SortOrder. `members` are values that a document must have, or None for a
        member that it must not have. `parts` are texts that its members must contain, in any case.
        """
        column = _COLUMNS[params.get("SortBy", "CreationTime")]
        descending = params.get("SortOrder", order) == "Descending"
        conditions, values = _filters(params)
        member_conditions, wanted_values = _equal(members or {})
        conditions += member_conditions
        values += wanted_values
        for name, part in (parts or {}).items():
            conditions.append(f"instr(lower(json_extract(document, '$.{name}')), lower(?)) > 0")
            values.append(part)
        if "NextToken" in params:
            conditions.append(f"({column}, name) {'<' if descending else '>'} (?, ?)")
            values += read_key(params["NextToken"], [str | float, str], invalid_token())
        direction = "DESC" if descending else "ASC"
        size = params.get("MaxResults", PAGE)
        rows = await self.store.read_on_thread(
            f"SELECT * FROM sagemaker_resources WHERE {' AND '.join(['kind = ?', *conditions])} "  # noqa: S608
            f"ORDER BY {column} {direction}, name {direction} LIMIT ?",
            self.kind,
            *values,
            size + 1,
        )
        page, token = query_page(rows, size, lambda row: [row[column], row["name"]])
        documents = [document for row in page if (document := self._read_document(row)) is not None]
        return documents, {"NextToken": token} if token else {}


def _filters(params: Mapping[str, MemberValue]) -> tuple[list[str], list[MemberValue]]:
    conditions: list[str] = []
    values: list[MemberValue] = []
    if "NameContains" in params:
        conditions.append("instr(lower(name), lower(?)) > 0")
        values.append(params["NameContains"])
    if "StatusEquals" in params:
        conditions.append("status = ?")
        values.append(params["StatusEquals"])
    for member, condition in _BOUNDS.items():
        if member in params:
            bound = params[member]
            conditions.append(condition)
            values.append(bound.timestamp() if isinstance(bound, datetime) else bound)
    return conditions, values


def _equal(members: Mapping[str, MemberValue]) -> tuple[list[str], list[MemberValue]]:
    conditions = [f"json_extract(document, '$.{name}') IS ?" for name in members]
    return conditions, list(members.values())
