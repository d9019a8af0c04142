"""The SQS service."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import ClassVar

from scones.cloud.core.bulk_deletes import delete_all
from scones.cloud.services.sqs import messages, move_tasks, queues
from scones.cloud.services.sqs.base import now_ms
from scones.cloud.services.sqs.messages import DEDUPLICATION_MS
from scones.cloud.services.sqs.move_tasks import MoveTaskOperations
from scones.cloud.services.sqs.permissions import PermissionOperations
from scones.cloud.services.sqs.queue_operations import QueueOperations
from scones.cloud.services.sqs.receiving import ReceivingOperations
from scones.cloud.services.sqs.sending import SendingOperations

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0
"""Seconds between deletions of expired messages and old deduplication IDs; receivers never get expired messages."""


class SQS(QueueOperations, PermissionOperations, SendingOperations, ReceivingOperations, MoveTaskOperations):
    """The SQS API; messages are rows of the store."""

    schema: ClassVar[str] = ";".join((queues.SCHEMA, messages.SCHEMA, move_tasks.SCHEMA))

    async def start(self) -> None:
        """Start to delete messages past their retention period, unless in recovery, and plan to resume move tasks."""
        if not self.cloud.resumption.recover:
            self.cloud.spawn(self._sweep(), name="sqs retention")
        self._resume_moves()

    def drain(self) -> None:
        """End all long polls."""
        self._long_polls.end()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._delete_expired()
            except sqlite3.Error as error:  # a damaged row; the next round tries again
                log.error("Messages past their retention period could not be deleted: %s", error)

    async def _delete_expired(self) -> None:
        now, store = now_ms(), self.cloud.store
        for queue in self._queues.all():
            oldest = now - 1000 * queue.number("MessageRetentionPeriod")
            if store.row("SELECT 1 FROM sqs_messages WHERE queue = ? AND sent <= ?", queue.id, oldest):
                await delete_all(store, "sqs_messages", "queue = ? AND sent <= ?", queue.id, oldest)
        if store.row("SELECT 1 FROM sqs_deduplications WHERE sent <= ?", now - DEDUPLICATION_MS):
            await store.execute("DELETE FROM sqs_deduplications WHERE sent <= ?", now - DEDUPLICATION_MS)
