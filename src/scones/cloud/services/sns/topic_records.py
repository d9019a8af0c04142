"""Stored topics and subscriptions."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass, replace
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core import pages
from scones.cloud.core.arns import last_part
from scones.cloud.services.sns.errors import check_arn, invalid, no_subscription, no_topic

HTTP_PROTOCOLS = ("http", "https")
SCHEMA = """
    CREATE TABLE IF NOT EXISTS sns_topics (
        arn TEXT PRIMARY KEY, attributes TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL,
        deleted_subscriptions INTEGER NOT NULL DEFAULT 0, sequence INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sns_subscriptions (
        arn TEXT PRIMARY KEY, topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE, protocol TEXT NOT NULL,
        endpoint TEXT NOT NULL, attributes TEXT NOT NULL, pending INTEGER NOT NULL, created REAL NOT NULL,
        principal TEXT NOT NULL DEFAULT '', authenticated INTEGER NOT NULL DEFAULT 1,
        guarded INTEGER NOT NULL DEFAULT 0,
        UNIQUE (topic, protocol, endpoint)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sns_deduplications (
        topic TEXT NOT NULL REFERENCES sns_topics(arn) ON DELETE CASCADE, scope TEXT NOT NULL, id TEXT NOT NULL,
        message_id TEXT NOT NULL, number INTEGER NOT NULL, sent REAL NOT NULL, PRIMARY KEY (topic, scope, id)
    ) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with the attributes that were set."""

    arn: str
    attributes: dict[str, str]
    tags: dict[str, str]

    @property
    def fifo(self) -> bool:
        """True for a FIFO topic: messages keep their order and are deduplicated."""
        return self.arn.endswith(".fifo")

    @property
    def name(self) -> str:
        """The topic's name, the last part of its ARN."""
        return last_part(self.arn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription with the attributes that were set; it receives no messages while it is pending."""

    arn: str
    topic: str
    protocol: str
    endpoint: str
    attributes: dict[str, str]
    pending: bool
    principal: str
    """ARN of the caller that subscribed; empty for a subscription that an older release stored."""
    authenticated: bool
    """True if the request that confirmed the subscription had a signature."""
    guarded: bool = False
    """True if a request without a signature may not delete the subscription."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> Subscription:
        """Return the subscription for a row."""
        return cls(
            arn=row["arn"],
            topic=row["topic"],
            protocol=row["protocol"],
            endpoint=row["endpoint"],
            attributes=json.loads(row["attributes"]),
            pending=bool(row["pending"]),
            principal=row["principal"],
            authenticated=bool(row["authenticated"]),
            guarded=bool(row["guarded"]),
        )

    @property
    def to_endpoint(self) -> bool:
        """True if messages are sent to an HTTP endpoint."""
        return self.protocol in HTTP_PROTOCOLS

    @property
    def raw(self) -> bool:
        """True if messages are delivered without SNS's envelope."""
        return self.attributes.get("RawMessageDelivery", "false") == "true"


class TopicRecords:
    """Reads and writes SNS's tables."""

    def __init__(self, cloud: CloudContext) -> None:
        self._store = cloud.store

    def find_topic(self, arn: str) -> Topic | None:
        """Return a topic, or None."""
        row = self._store.row("SELECT * FROM sns_topics WHERE arn = ?", arn)
        return Topic(arn, json.loads(row["attributes"]), json.loads(row["tags"])) if row else None

    def topic(self, arn: str) -> Topic:
        """Return a topic; raises `NotFound`, or `InvalidParameter` if `arn` is not an ARN."""
        check_arn(arn, "TopicArn")
        topic = self.find_topic(arn)
        if topic is None:
            raise no_topic()
        return topic

    def topics(self) -> list[str]:
        """Return the ARNs of all topics, sorted."""
        return [row["arn"] for row in self._store.rows("SELECT arn FROM sns_topics ORDER BY arn")]

    async def add_topic(self, arn: str, attributes: dict[str, str], tags: dict[str, str]) -> None:
        """Store a new topic; an existing topic with this ARN stays unchanged."""
        await self._store.execute(
            "INSERT OR IGNORE INTO sns_topics (arn, attributes, tags, created) VALUES (?, ?, ?, ?)",
            arn,
            json.dumps(attributes),
            json.dumps(tags),
            time.time(),
        )

    async def change_topic(self, arn: str, column: str, document: dict[str, str]) -> None:
        """Replace a topic's attributes or tags; `column` is "attributes" or "tags"."""
        assert column in ("attributes", "tags")
        statement = f"UPDATE sns_topics SET {column} = ? WHERE arn = ?"  # noqa: S608 - one of our two columns
        await self._store.execute(statement, json.dumps(document), arn)

    async def delete_topic(self, arn: str) -> None:
        """Delete a topic with its subscriptions; do nothing if it does not exist."""
        await self._store.execute("DELETE FROM sns_topics WHERE arn = ?", arn)

    def subscription(self, arn: str) -> Subscription:
        """Return a subscription; raises `NotFound`."""
        row = self._store.row("SELECT * FROM sns_subscriptions WHERE arn = ?", arn)
        if row is None:
            raise no_subscription()
        return Subscription.of(row)

    def subscriptions(self, topic: str | None = None) -> list[Subscription]:
        """Return the subscriptions of a topic, or of all topics, oldest first."""
        where, given = ("WHERE topic = ?", (topic,)) if topic else ("", ())
        query = f"SELECT * FROM sns_subscriptions {where} ORDER BY created, arn"  # noqa: S608 - where is our own
        return [Subscription.of(row) for row in self._store.rows(query, *given)]

    def subscribed(self, topic: str, protocol: str, endpoint: str) -> Subscription | None:
        """Return an endpoint's subscription to a topic, or None."""
        row = self._store.row(
            "SELECT * FROM sns_subscriptions WHERE topic = ? AND protocol = ? AND endpoint = ?",
            topic,
            protocol,
            endpoint,
        )
        return Subscription.of(row) if row else None

    async def add_subscription(self, subscription: Subscription) -> None:
        """Store a new subscription; an existing one with the same topic, protocol and endpoint stays unchanged."""
        await self._store.write(lambda connection: _insert(connection, subscription))

    async def confirm(self, subscription: Subscription) -> None:
        """Store a confirmed subscription; it may have been pending, confirmed, or deleted."""

        def keep(connection: sqlite3.Connection) -> None:
            confirmed = (
                "UPDATE sns_subscriptions SET pending = 0, authenticated = ?, guarded = ? WHERE arn = ? AND pending"
            )
            given = (subscription.authenticated, subscription.guarded, subscription.arn)
            if not connection.execute(confirmed, given).rowcount:
                _insert(connection, replace(subscription, pending=False))

        await self._store.write(keep)

    async def change_subscription(self, arn: str, attributes: dict[str, str]) -> None:
        """Replace a subscription's attributes."""
        await self._store.execute(
            "UPDATE sns_subscriptions SET attributes = ? WHERE arn = ?", json.dumps(attributes), arn
        )

    async def delete_subscription(self, subscription: Subscription) -> None:
        """Delete a subscription, and count it in its topic's deleted subscriptions."""

        def delete(connection: sqlite3.Connection) -> None:
            if connection.execute("DELETE FROM sns_subscriptions WHERE arn = ?", (subscription.arn,)).rowcount:
                connection.execute(
                    "UPDATE sns_topics SET deleted_subscriptions = deleted_subscriptions + 1 WHERE arn = ?",
                    (subscription.topic,),
                )

        await self._store.write(delete)

    def deleted_subscriptions(self, topic: str) -> int:
        """Return the number of a topic's deleted subscriptions."""
        row = self._store.row("SELECT deleted_subscriptions FROM sns_topics WHERE arn = ?", topic)
        return int(row["deleted_subscriptions"]) if row else 0


def _insert(connection: sqlite3.Connection, subscription: Subscription) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO sns_subscriptions (arn, topic, protocol, endpoint, attributes, pending, created,"
        " principal, authenticated, guarded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            subscription.arn,
            subscription.topic,
            subscription.protocol,
            subscription.endpoint,
            json.dumps(subscription.attributes),
            subscription.pending,
            time.time(),
            subscription.principal,
            subscription.authenticated,
            subscription.guarded,
        ),
    )


def page(items: list[Any], token: str | None) -> tuple[list[Any], str | None]:
    """Return a page of up to 100 items, which is SNS's page size, and the next page's token or None."""
    return pages.page(items, token, 100, invalid("NextToken"))
