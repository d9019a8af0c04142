"""Invocations of targets, which stay on disk until they succeed or their retry policy gives them up."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import sqlite3
import time
import uuid

from scones.cloud.context import CloudContext
from scones.cloud.core.fire_times import FireTimes
from scones.cloud.core.resumption import ResumableWork
from scones.cloud.core.surrogates import well_formed
from scones.cloud.delivery.targets import TargetMessage, send_to_queue, text_attributes
from scones.cloud.errors import ServiceError
from scones.cloud.services.scheduler.expressions import iso_time
from scones.cloud.services.scheduler.schedule_records import ScheduleRecords, StoredSchedule
from scones.cloud.services.scheduler.targets import invoke
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

SCHEMA = """
    CREATE TABLE IF NOT EXISTS scheduler_invocations (
        id INTEGER PRIMARY KEY AUTOINCREMENT, group_name TEXT NOT NULL, name TEXT NOT NULL, execution TEXT NOT NULL,
        target TEXT NOT NULL, fired REAL NOT NULL, due REAL NOT NULL, begun REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, final INTEGER NOT NULL
    )
"""
RETRY_SECONDS = (1.0, 900.0)
"""Seconds before the first retry, and the maximum; each wait is twice the one before. AWS does not publish them."""
MAX_CONCURRENT = 16
"""Maximum number of targets that are invoked at once."""
_THROTTLED = frozenset({"TooManyRequestsException", "ThrottlingException", "RequestThrottled"})


class Invocations:
    """The invocations that are due, waiting for a retry, or in progress."""

    def __init__(self, cloud: CloudContext, records: ScheduleRecords) -> None:
        self._cloud = cloud
        self._records = records
        self._times: FireTimes[int] = FireTimes()
        self._free_slots = asyncio.Semaphore(MAX_CONCURRENT)

    def start(self) -> None:
        """Plan the resumption of the invocations that an earlier process left."""
        rows = self._cloud.store.rows("SELECT id, group_name, name, due FROM scheduler_invocations ORDER BY id")
        self._cloud.resumption.plan(
            self._resumable(row["id"], f"{row['group_name']}/{row['name']}", row["due"]) for row in rows
        )
        self._cloud.spawn(self._run(), name="invocations of schedules")

    def _resumable(self, number: int, schedule: str, due: float) -> ResumableWork:
        async def take_up() -> None:
            self.plan(number, due)

        async def give_up(reason: str) -> None:
            await self._end(number, ServiceError("InternalFailure", reason, 500), "")

        return ResumableWork("invocation", f"{number} of schedule {schedule}", take_up, give_up)

    def put(
        self, connection: sqlite3.Connection, schedule: StoredSchedule, at: float, due: float, *, final: bool
    ) -> int:
        """Store an invocation inside a write, and return its number; call `plan` when the write is on disk.

        `at` is the schedule's fire time, `due` the time of the invocation; `final` is True for the schedule's last one.
        """
        cursor = connection.execute(
            "INSERT INTO scheduler_invocations (group_name, name, execution, target, fired, due, begun, final)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*schedule.key, secrets.token_hex(8), json.dumps(schedule.document["Target"]), at, due, due, final),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def plan(self, number: int, due: float) -> None:
        """Plan an invocation."""
        self._times.plan(number, due)

    async def _run(self) -> None:
        while True:
            await self._times.wait()
            while found := self._times.take(time.time()):
                _, number = found
                self._cloud.spawn(self._attempt(number), name=f"invocation {number}")

    async def _attempt(self, number: int) -> None:
        async with self._free_slots:
            row = self._cloud.store.row("SELECT * FROM scheduler_invocations WHERE id = ?", number)
            if row is None:
                return
            target = json.loads(row["target"])
            try:
                await invoke(self._cloud, target, self._input(row, target), row["execution"])
            except ServiceError as error:
                await self._failed(row, target["RetryPolicy"], error)
            except Exception:
                log.exception("Internal error while invoking %s; retrying", target["Arn"])
                await self._failed(row, target["RetryPolicy"], ServiceError("InternalFailure", "Internal error.", 500))
            else:
                await self._end(number, None, "")

    async def _failed(self, row: sqlite3.Row, policy: Members, error: ServiceError) -> None:
        """Plan a retry; without one, end the invocation."""
        first, longest = RETRY_SECONDS
        due = time.time() + min(longest, first * 2 ** min(row["attempts"], 16))
        retried = error.status >= 500 or error.code in _THROTTLED  # a target that does not exist is not retried
        condition = "MaximumRetryAttempts" if row["attempts"] >= policy["MaximumRetryAttempts"] else ""
        if due > row["begun"] + policy["MaximumEventAgeInSeconds"]:
            condition = condition or "MaximumEventAgeInSeconds"
        if condition or not retried:
            await self._end(row["id"], error, condition)
            return
        await self._cloud.store.execute(
            "UPDATE scheduler_invocations SET attempts = attempts + 1, due = ? WHERE id = ?", due, row["id"]
        )
        self.plan(row["id"], due)

    async def _end(self, number: int, error: ServiceError | None, condition: str) -> None:
        """Delete an invocation, and its schedule if that is to be deleted after its last one."""
        row = self._cloud.store.row("SELECT * FROM scheduler_invocations WHERE id = ?", number)
        if row is None:
            return
        if error is not None:
            await self._send_dead_letter(row, error, condition)
        await self._cloud.store.execute("DELETE FROM scheduler_invocations WHERE id = ?", number)
        schedule = self._records.find(row["group_name"], row["name"])
        if row["final"] and schedule is not None and schedule.fired == row["fired"]:  # else it was updated meanwhile
            await self._complete(schedule)

    async def _complete(self, schedule: StoredSchedule) -> None:
        if schedule.document["ActionAfterCompletion"] == "DELETE":
            await self._records.delete(*schedule.key)

    async def _send_dead_letter(self, row: sqlite3.Row, error: ServiceError, condition: str) -> None:
        target = json.loads(row["target"])
        log.warning("Schedule %s could not invoke %s: %s", row["name"], target["Arn"], error)
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            return
        values = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.message,
            "EXECUTION_ID": row["execution"],
            **({"EXHAUSTED_RETRY_CONDITION": condition} if condition else {}),
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(row["attempts"]),
            "SCHEDULED_TIME": iso_time(row["fired"]),
            "SCHEDULE_ARN": self._records.schedule_arn(row["group_name"], row["name"]),
            "TARGET_ARN": target["Arn"],
        }
        message = TargetMessage(text=self._input(row, target), attributes=text_attributes(values))
        try:
            await send_to_queue(self._cloud, queue, message)
        except ServiceError as second:
            log.warning("The dead-letter queue %s rejected an invocation of %s: %s", queue, row["name"], second)

    def _input(self, row: sqlite3.Row, target: Members) -> str:
        """Return the input of a target, with the values of its context attributes; the default is an event."""
        arn, fired = self._records.schedule_arn(row["group_name"], row["name"]), iso_time(row["fired"])
        if "Input" not in target:
            return json.dumps(self._default_event(arn, fired, row["execution"]))
        text: str = target["Input"]
        values = {
            "schedule-arn": arn,
            "scheduled-time": fired,
            "execution-id": row["execution"],
            "attempt-number": str(row["attempts"] + 1),
        }
        for name, value in values.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return well_formed(text)

    def _default_event(self, arn: str, fired: str, execution: str) -> Members:
        settings = self._cloud.settings
        return {
            "version": "0",
            "id": str(uuid.uuid5(uuid.NAMESPACE_OID, execution)),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": settings.account,
            "time": fired,
            "region": settings.region,
            "resources": [arn],
            "detail": "{}",
        }
