"""Asynchronous invocations: accepted events, kept until they succeeded or AWS would have given up."""

from __future__ import annotations

import asyncio
import logging
import time

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.invoker import Invoker
from scones.cloud.services.lambda_.names import FunctionName

log = logging.getLogger(__name__)

RETRY_SECONDS = (60.0, 120.0)
"""AWS tries an event that failed twice more: after one minute, and after two more."""


class Events:
    """The queue behind InvocationType Event; it survives the cloud's end."""

    def __init__(self, cloud: Cloud, invoker: Invoker) -> None:
        self._cloud = cloud
        self._invoker = invoker

    def start(self) -> None:
        """Go on with the events that a former process had accepted."""
        for row in self._cloud.store.rows("SELECT id FROM function_events ORDER BY id"):
            self._cloud.spawn(self._process(row["id"]), name=f"function event {row['id']}")

    async def accept(self, request_id: str, function: FunctionName, payload: bytes) -> None:
        """Keep an event, then begin to process it: it is on disk when this returns."""
        name = function.name + (f":{function.qualifier}" if function.qualifier else "")
        insert = "INSERT INTO function_events (request_id, function, payload, due) VALUES (?, ?, ?, ?)"
        parameters = (request_id, name, payload, time.time())
        number = await self._cloud.store.write(lambda connection: connection.execute(insert, parameters).lastrowid)
        self._cloud.spawn(self._process(number), name=f"function event {number}")

    async def _process(self, number: int | None) -> None:
        row = self._cloud.store.row("SELECT * FROM function_events WHERE id = ?", number)
        while row is not None:
            await asyncio.sleep(max(0.0, row["due"] - time.time()))
            if await self._succeeds(row["function"], row["payload"], row["request_id"]) or row["attempts"] >= len(
                RETRY_SECONDS
            ):
                await self._cloud.store.execute("DELETE FROM function_events WHERE id = ?", number)
                return
            due = time.time() + RETRY_SECONDS[row["attempts"]]
            await self._cloud.store.execute(
                "UPDATE function_events SET attempts = attempts + 1, due = ? WHERE id = ?", due, number
            )
            row = self._cloud.store.row("SELECT * FROM function_events WHERE id = ?", number)

    async def _succeeds(self, function: str, payload: bytes, request_id: str) -> bool:
        try:
            name = FunctionName.parse(function)
            outcome = await self._invoker.invoke(self._invoker.find(name), name, payload, request_id=request_id)
        except ServiceError as error:
            log.warning("event for %s not processed: %s", function, error)
            return error.code != "TooManyRequestsException"  # a function that is gone will not come back
        return outcome.function_error is None
