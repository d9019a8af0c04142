"""Asynchronous invocations: accepted events are stored until they succeed or AWS would give them up."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time

from scones.cloud.context import CloudContext
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName
from scones.cloud.services.lambda_.invoke.destinations import (
    EXHAUSTED,
    NO_CONCURRENCY,
    SUCCESS,
    TOO_OLD,
    AsyncInvocationResult,
    Destinations,
)
from scones.cloud.services.lambda_.invoke.invoker import Invoker
from scones.cloud.services.lambda_.runtime.execution_environment import InvocationResult

log = logging.getLogger(__name__)

RETRY_SECONDS = (60.0, 120.0)
"""Seconds before the first and before the second retry of a failed event, as on AWS."""
THROTTLED_SECONDS = (1.0, 300.0)
"""Shortest and longest wait in seconds while a function is throttled; AWS doubles the wait from one to the other."""
AGE_SECONDS = 6 * 3600.0
"""Maximum age of an event in seconds, if its function's configuration does not set one."""


class AsyncInvocations:
    """The queue of InvocationType Event; it survives the end of the cloud."""

    def __init__(self, cloud: CloudContext, records: FunctionRecords, invoker: Invoker) -> None:
        self._cloud = cloud
        self._records = records
        self._invoker = invoker
        self._destinations = Destinations(cloud)

    def start(self) -> None:
        """Resume the deliveries of results, and plan the resumption of events that an earlier process accepted."""
        self._destinations.start()
        rows = self._cloud.store.rows("SELECT id, function FROM accepted_events ORDER BY id")
        self._cloud.resumption.plan(self._resumable(row["id"], row["function"]) for row in rows)

    def _resumable(self, number: int, function: str) -> ResumableWork:
        async def take_up() -> None:
            self._cloud.spawn(self._process(number), name=f"function event {number}")

        async def give_up(_reason: str) -> None:
            row = self._cloud.store.row("SELECT * FROM accepted_events WHERE id = ?", number)
            if row is not None:
                await self._end(row, EXHAUSTED, None, row["attempts"])

        return ResumableWork("function event", f"{number} for {function}", take_up, give_up)

    async def accept(self, request_id: str, function: FunctionName, payload: bytes) -> None:
        """Store an event and start to process it; it is on disk when this returns."""
        name = function.name + (f":{function.qualifier}" if function.qualifier else "")
        insert = "INSERT INTO accepted_events (request_id, function, payload, accepted, due) VALUES (?, ?, ?, ?, ?)"
        parameters = (request_id, name, payload, time.time(), time.time())
        number = await self._cloud.store.write(lambda connection: connection.execute(insert, parameters).lastrowid)
        self._cloud.spawn(self._process(number), name=f"function event {number}")

    async def _process(self, number: int | None) -> None:
        throttled = THROTTLED_SECONDS[0]
        while (row := self._cloud.store.row("SELECT * FROM accepted_events WHERE id = ?", number)) is not None:
            await asyncio.sleep(max(0.0, row["due"] - time.time()))
            outcome: InvocationResult | None = None
            try:
                outcome = await self._invoke(row)
            except ServiceError as error:
                if error.code != "TooManyRequestsException":  # a deleted function will not come back
                    log.warning("An event for %s was discarded: %s", row["function"], error)
                    await self._cloud.store.execute("DELETE FROM accepted_events WHERE id = ?", number)
                    return
                wait, attempts = throttled, row["attempts"]  # not an attempt: the function did not get it
                throttled = min(2 * throttled, THROTTLED_SECONDS[1])
            except Exception:
                log.exception("Internal error while running %s for an event; retrying", row["function"])
                wait, attempts = throttled, row["attempts"]
                throttled = min(2 * throttled, THROTTLED_SECONDS[1])
            else:
                wait, attempts = RETRY_SECONDS[min(row["attempts"], 1)], row["attempts"] + 1
            due = time.time() + wait
            if condition := self._end_condition(row, outcome, attempts, due):
                await self._end(row, condition, outcome, attempts)
                return
            await self._cloud.store.execute(
                "UPDATE accepted_events SET attempts = ?, due = ? WHERE id = ?", attempts, due, number
            )

    def _end_condition(self, row: sqlite3.Row, outcome: InvocationResult | None, attempts: int, due: float) -> str:
        """Return why an event's processing ends after an attempt, or "" if the event is to be retried at `due`."""
        name = FunctionName.parse(row["function"])
        if outcome is not None and outcome.function_error is None:
            return SUCCESS
        if outcome is None and self._records.reserved(name.name) == 0:
            return NO_CONCURRENCY
        config = self._records.event_config(name) or {}
        if attempts > config.get("MaximumRetryAttempts", len(RETRY_SECONDS)):
            return EXHAUSTED
        return TOO_OLD if due > row["accepted"] + config.get("MaximumEventAgeInSeconds", AGE_SECONDS) else ""

    async def _end(self, row: sqlite3.Row, condition: str, outcome: InvocationResult | None, attempts: int) -> None:
        name = FunctionName.parse(row["function"])
        try:
            configuration = self._invoker.find(name).configuration
        except ServiceError:  # deleted meanwhile
            configuration = {}
        result = AsyncInvocationResult(
            request_id=row["request_id"],
            function_arn=self._records.arn(name.name, name.qualifier or LATEST),
            version=configuration.get("Version", LATEST),
            condition=condition,
            attempts=attempts,
            payload=row["payload"],
            invocation_result=outcome,
        )
        dead_letter_arn = configuration.get("DeadLetterConfig", {}).get("TargetArn", "")
        await self._destinations.finish_event(
            row["id"], result, self._records.event_config(name) or {}, dead_letter_arn
        )

    async def _invoke(self, row: sqlite3.Row) -> InvocationResult:
        name = FunctionName.parse(row["function"])
        return await self._invoker.invoke(self._invoker.find(name), name, row["payload"], request_id=row["request_id"])
