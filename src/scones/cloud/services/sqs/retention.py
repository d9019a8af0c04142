"""Deletion of messages whose retention period has ended."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from scones.cloud.core.bulk_deletes import delete_all
from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.services.sqs.messages import DEDUPLICATION_MS
from scones.cloud.services.sqs.queues import Queues

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
"""Interval of the deletions in seconds. Receivers never get an expired message, even if it is not deleted yet."""


class MessageRetention:
    """Deletes messages past their queue's retention period, and old deduplication IDs."""

    def __init__(self, store: Store, queues: Queues) -> None:
        self._store = store
        self._queues = queues

    async def sweep(self) -> None:
        """Delete expired messages and old deduplication IDs at regular intervals, until the task is cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._delete_expired()
            except sqlite3.Error as error:  # a damaged row; the next round tries again
                log.error("Messages past their retention period could not be deleted: %s", error)

    async def _delete_expired(self) -> None:
        now = now_ms()
        for queue in self._queues.all():
            oldest = now - 1000 * queue.number("MessageRetentionPeriod")
            if self._store.row("SELECT 1 FROM sqs_messages WHERE queue = ? AND sent <= ?", queue.id, oldest):
                await delete_all(self._store, "sqs_messages", "queue = ? AND sent <= ?", queue.id, oldest)
        if self._store.row("SELECT 1 FROM sqs_deduplications WHERE sent <= ?", now - DEDUPLICATION_MS):
            await self._store.execute("DELETE FROM sqs_deduplications WHERE sent <= ?", now - DEDUPLICATION_MS)
