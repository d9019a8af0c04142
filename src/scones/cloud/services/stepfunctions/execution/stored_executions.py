"""Executions that are not in memory: those that have ended, and those that an earlier process left running."""

from __future__ import annotations

import sqlite3

from scones.cloud.core.store import Store
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.execution.history import (
    Event,
    FailedAttempt,
    failed_attempt,
    failure_details,
    from_row,
    to_row,
)
from scones.cloud.services.stepfunctions.execution.journal import EVENT
from scones.cloud.services.stepfunctions.state_machines import Revision

END = "UPDATE sfn_executions SET status = ?, output = ?, error = ?, cause = ?, stopped = ? WHERE arn = ?"
_END_MAP_RUNS = (
    "UPDATE sfn_executions SET status = 'ABORTED', stopped = ? WHERE status = 'RUNNING' AND id IN (SELECT c.execution"
    " FROM sfn_map_children c JOIN sfn_map_runs r ON r.id = c.map_run WHERE r.execution = ?)",
    "UPDATE sfn_map_runs SET status = 'ABORTED', stopped = ? WHERE execution = ? AND status = 'RUNNING'",
)


class StoredExecutions:
    """Reads the rows of executions, and ends executions that do not run in this process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last_number(self) -> int:
        """Return the highest number of an execution, or 0."""
        newest = self._store.row(
            "SELECT max((SELECT coalesce(max(id), 0) FROM sfn_executions),"
            " (SELECT coalesce(max(execution), 0) FROM sfn_events)) AS id"
        )
        return newest["id"] if newest else 0

    def to_resume(self) -> list[sqlite3.Row]:
        """Return the number, ARN and last event of each execution that an earlier process left running.

        Child executions are not included, because their distributed Map resumes them; the ARN of their machine has a
        label after "/".
        """
        return self._store.rows(
            "SELECT id, arn, (SELECT max(id) FROM sfn_events WHERE execution = sfn_executions.id) AS last"
            " FROM sfn_executions WHERE status = 'RUNNING' AND machine NOT LIKE '%/%' ORDER BY id"
        )

    def running(self, number: int) -> sqlite3.Row | None:
        """Return an execution's row if its status is RUNNING, else None."""
        return self._store.row("SELECT * FROM sfn_executions WHERE id = ? AND status = 'RUNNING'", number)

    def end_of(self, arn: str) -> float:
        """Return the end of an execution that has ended, in Unix seconds."""
        row = self._store.row("SELECT stopped FROM sfn_executions WHERE arn = ?", arn)
        assert row is not None
        return float(row["stopped"])

    def has_machine(self, arn: str) -> bool:
        """Return True if the state machine of an execution exists."""
        return self._store.row("SELECT 1 FROM sfn_machines WHERE arn = ?", arn) is not None

    def revision(self, number: int) -> Revision:
        """Return the revision that an execution runs; raises `ValueError` if it is missing."""
        row = self._store.row("SELECT * FROM sfn_revisions WHERE id = ?", number)
        if row is None:
            raise ValueError(f"its definition (revision {number}) is missing")
        return Revision.of(row)

    def last_event(self, number: int) -> int | None:
        """Return the ID of an execution's last event, or None."""
        last = self._store.row("SELECT max(id) AS id FROM sfn_events WHERE execution = ?", number)
        return last["id"] if last else None

    async def events(self, number: int) -> list[Event]:
        """Return an execution's history."""
        sql = "SELECT * FROM sfn_events WHERE execution = ? ORDER BY id"
        return [from_row(row) for row in await self._store.read_on_thread(sql, number)]

    def failed_attempts(self, number: int) -> list[FailedAttempt]:
        """Return the failed attempts of an execution's current states."""
        sql = "SELECT * FROM sfn_failed_attempts WHERE execution = ? ORDER BY last"
        return [failed_attempt(row) for row in self._store.rows(sql, number)]

    def last_redrive(self, number: int) -> tuple[int, float] | None:
        """Return the number and the time (Unix seconds) of an execution's last redrive, or None."""
        sql = "SELECT max(number) AS number, max(at) AS at FROM sfn_redrives WHERE execution = ?"
        last = self._store.row(sql, number)
        return None if last is None or last["number"] is None else (last["number"], last["at"])

    async def close(self, number: int, status: str, failure: StateFailedError, now: float) -> float:
        """End an execution as FAILED or ABORTED, and its Map Runs.

        Returns its end in Unix seconds, once that is on disk; the earlier end if it had ended already.
        """
        kind = "ExecutionAborted" if status == "ABORTED" else "ExecutionFailed"

        def write(connection: sqlite3.Connection) -> float:
            found = connection.execute("SELECT arn, status, stopped FROM sfn_executions WHERE id = ?", (number,))
            row = found.fetchone()
            if row["status"] != "RUNNING":
                return float(row["stopped"])
            (last,) = connection.execute(
                "SELECT coalesce(max(id), 0) FROM sfn_events WHERE execution = ?", (number,)
            ).fetchone()
            previous = 0 if status == "ABORTED" else last  # as recorded on AWS
            event = Event(last + 1, previous, kind, now, failure_details(failure))
            connection.execute(EVENT, (number, *to_row(event)))
            connection.execute(END, (status, None, failure.error, failure.cause, now, row["arn"]))
            for sql in _END_MAP_RUNS:
                connection.execute(sql, (now, row["arn"]))
            return now

        return await self._store.write(write)
