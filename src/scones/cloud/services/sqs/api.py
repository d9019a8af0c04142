"""The SQS service."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import ClassVar

from scones.cloud.services.sqs import messages, move_tasks, queues
from scones.cloud.services.sqs.messages import DEDUPLICATION_MS
from scones.cloud.services.sqs.move_tasks import MoveTaskOperations
from scones.cloud.services.sqs.operations import now_ms
from scones.cloud.services.sqs.permissions import PermissionOperations
from scones.cloud.services.sqs.queue_operations import QueueOperations
from scones.cloud.services.sqs.receiving import ReceivingOperations
from scones.cloud.services.sqs.sending import SendingOperations

SWEEP_SECONDS = 60.0
"""How often what nobody will receive any more is deleted; until then it is only not given."""


class SQS(QueueOperations, PermissionOperations, SendingOperations, ReceivingOperations, MoveTaskOperations):
    """Queues whose messages are rows of the store."""

    schema: ClassVar[str] = ";".join((queues.SCHEMA, messages.SCHEMA, move_tasks.SCHEMA))

    async def start(self) -> None:
        """Begin to delete messages that have outlived their queue's retention period, and go on moving others."""
        self.cloud.spawn(self._sweep(), name="sqs retention")
        self._resume_moves()

    def drain(self) -> None:
        """End the long polls."""
        self._bells.end()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            if self.cloud.store.row("SELECT 1 FROM sqs_messages UNION ALL SELECT 1 FROM sqs_deduplications LIMIT 1"):
                await self.cloud.store.write(_forget)


def _forget(connection: sqlite3.Connection) -> None:
    now = now_ms()
    connection.execute(
        "DELETE FROM sqs_messages WHERE sent <= ? - 1000 * (SELECT cast(json_extract(attributes,"
        " '$.MessageRetentionPeriod') AS INTEGER) FROM sqs_queues WHERE sqs_queues.id = sqs_messages.queue)",
        (now,),
    )
    connection.execute("DELETE FROM sqs_deduplications WHERE sent <= ?", (now - DEDUPLICATION_MS,))
