"""Stored queues, with look-up by name, URL and ARN."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlsplit

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part
from scones.cloud.core.clock import now_ms
from scones.cloud.delivery.targets import queue_url
from scones.cloud.errors import ServiceError
from scones.cloud.services.sqs.attributes import redrive_policy
from scones.cloud.services.sqs.errors import no_queue

SCHEMA = """
    CREATE TABLE IF NOT EXISTS sqs_queues (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL,
        tags TEXT NOT NULL DEFAULT '{}', created INTEGER NOT NULL, modified INTEGER NOT NULL
    )
"""


@dataclass(frozen=True)
class Queue:
    """One queue. `attributes` are its settable attributes as text, including defaults."""

    id: int
    name: str
    attributes: dict[str, str]
    created: int
    modified: int
    """Seconds since 1970."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> Queue:
        """Return the queue for a row."""
        return cls(row["id"], row["name"], json.loads(row["attributes"]), row["created"], row["modified"])

    @property
    def fifo(self) -> bool:
        """True for a FIFO queue: messages keep their order and are deduplicated."""
        return self.name.endswith(".fifo")

    @cached_property
    def redrive(self) -> tuple[str, int] | None:
        """The dead-letter queue's ARN and the number of receives after which a message goes there, or None."""
        text = self.attributes.get("RedrivePolicy")
        return redrive_policy(text) if text else None

    def number(self, attribute: str) -> int:
        """Return an attribute as an integer."""
        return int(self.attributes[attribute])


class MessageCounts(NamedTuple):
    """The numbers of messages in a queue, and the time at which the oldest one was sent, in milliseconds, or None."""

    visible: int
    in_flight: int
    delayed: int
    oldest: int | None


class Queues:
    """The table of queues."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud

    def url(self, name: str) -> str:
        """Return a queue's URL, with the cloud's current port."""
        return queue_url(self._cloud, self.arn(name))

    def arn(self, name: str) -> str:
        """Return a queue's ARN."""
        return self._cloud.arn("sqs", name)

    def named(self, name: str) -> Queue | None:
        """Return a queue by name, or None."""
        row = self._cloud.store.row("SELECT * FROM sqs_queues WHERE name = ?", name)
        return Queue.of(row) if row else None

    def at(self, url: str) -> Queue:
        """Return the queue at a URL; a queue's name alone is also accepted, as on AWS.

        Host and port are ignored, because the cloud's address may have changed. Raises `InvalidAddress` or
        `QueueDoesNotExist`.
        """
        try:
            parts = urlsplit(url).path.strip("/").split("/")
        except ValueError:  # for example, http://[
            parts = []
        if url and parts == [url]:
            parts = [self._cloud.settings.account, url]
        if len(parts) < 2:
            raise ServiceError("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404)
        account, name = parts[-2:]
        queue = self.named(name) if account == self._cloud.settings.account else None
        if queue is None:
            raise no_queue()
        return queue

    def at_arn(self, arn: str) -> Queue | None:
        """Return a queue by its ARN, or None."""
        name = last_part(arn)
        return self.named(name) if arn == self.arn(name) else None

    def all(self) -> list[Queue]:
        """Return all queues by name."""
        return [Queue.of(row) for row in self._cloud.store.rows("SELECT * FROM sqs_queues ORDER BY name")]

    async def insert(self, name: str, attributes: dict[str, str], tags: dict[str, str]) -> None:
        """Store a new queue; an existing queue with this name stays unchanged."""
        now = int(time.time())
        await self._cloud.store.execute(
            "INSERT OR IGNORE INTO sqs_queues (name, attributes, tags, created, modified) VALUES (?, ?, ?, ?, ?)",
            name,
            json.dumps(attributes),
            json.dumps(tags),
            now,
            now,
        )

    async def change(self, queue: Queue, given: dict[str, str]) -> None:
        """Change some attributes; an empty text removes an attribute."""

        def update(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT attributes FROM sqs_queues WHERE id = ?", (queue.id,)).fetchone()
            if row is None:
                raise no_queue()
            kept = {name: value for name, value in {**json.loads(row["attributes"]), **given}.items() if value != ""}
            connection.execute(
                "UPDATE sqs_queues SET attributes = ?, modified = ? WHERE id = ?",
                (json.dumps(kept), int(time.time()), queue.id),
            )

        await self._cloud.store.write(update)

    async def delete(self, queue: Queue) -> None:
        """Delete a queue with all its messages."""
        await self._cloud.store.execute("DELETE FROM sqs_queues WHERE id = ?", queue.id)

    async def counts(self, queue: Queue) -> MessageCounts:
        """Count the messages of a queue now."""
        now = now_ms()
        rows = await self._cloud.store.read_on_thread(  # an index suffices
            "SELECT (SELECT count(*) FROM sqs_messages WHERE queue = ?1 AND visible <= ?2 AND sent > ?3),"
            " coalesce(sum(receives > carried), 0), coalesce(sum(receives = carried), 0),"
            " (SELECT min(sent) FROM sqs_messages WHERE queue = ?1 AND sent > ?3)"
            " FROM sqs_messages WHERE queue = ?1 AND visible > ?2 AND sent > ?3",
            queue.id,
            now,
            now - 1000 * queue.number("MessageRetentionPeriod"),
        )
        return MessageCounts(*rows[0])

    def tags(self, queue: Queue) -> dict[str, str]:
        """Return a queue's tags."""
        row = self._cloud.store.row("SELECT tags FROM sqs_queues WHERE id = ?", queue.id)
        tags: dict[str, str] = json.loads(row["tags"]) if row else {}
        return tags

    async def put_tags(self, queue: Queue, tags: dict[str, str]) -> None:
        """Replace a queue's tags."""
        changed = "UPDATE sqs_queues SET tags = ? WHERE id = ?"
        if not await self._cloud.store.execute(changed, json.dumps(tags), queue.id):
            raise no_queue()
