"""CloudWatch Logs entries for the executions of machines that have a logging configuration.

Step Functions Developer Guide, "Using CloudWatch Logs to log execution history in Step Functions". As on AWS, delivery
is best effort and does not delay executions: events wait briefly in memory and are sent to the log in batches.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import defaultdict
from functools import lru_cache
from typing import Any, NamedTuple

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part
from scones.cloud.services.logs.service import Logs
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.execution.history import Event
from scones.cloud.services.stepfunctions.log_destinations import log_group
from scones.cloud.services.stepfunctions.state_machines import Revision

_DELAY = 0.25
"""Seconds that events wait, so that they are sent in one batch."""
_LIMIT = 248 * 1024
"""Maximum bytes of an escaped payload; a longer one is truncated."""
_FATAL = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
_FAILURES = ("Failed", "TimedOut", "Aborted")
_DATA = frozenset({"input", "output", "parameters", "assignedVariables"})
"""Members left out without `includeExecutionData`; `error` and `cause` stay, as in logs that AWS users published."""


class _LogSettings(NamedTuple):
    level: str
    data: bool
    group: str


class _LogEntry(NamedTuple):
    execution: str
    redrives: int
    event: Event
    data: bool


class ExecutionLog:
    """The log of one execution."""

    def __init__(self, logs: ExecutionLogs, settings: _LogSettings, machine: str, execution: str) -> None:
        self._logs = logs
        self._settings = settings
        self._machine = machine
        self._execution = execution

    def add(self, event: Event, redrives: int = 0) -> None:
        """Log an event if the configured level includes its type."""
        settings = self._settings
        if _logged(event.type, settings.level):
            entry = _LogEntry(self._execution, redrives, event, settings.data)
            self._logs.add(settings.group, self._machine, entry)


class ExecutionLogs:
    """The queue of log entries of all executions, for delivery to the Logs service."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._shard = secrets.token_hex(4)
        self._waiting: dict[tuple[str, str], list[_LogEntry]] = defaultdict(list)
        self._delivery: asyncio.Task[None] | None = None

    def of(self, revision: Revision, execution: str) -> ExecutionLog | None:
        """Return the log of an execution, or None if its machine logs nothing."""
        settings = _settings(revision.logging)
        if settings is None:
            return None
        machine = last_part(revision.machine)
        return ExecutionLog(self, settings, machine, execution)

    def add(self, group: str, machine: str, entry: _LogEntry) -> None:
        """Queue an entry for a machine's log stream."""
        self._waiting[group, machine].append(entry)
        if self._delivery is None:
            self._delivery = self._cloud.spawn(self._deliver_soon(), "execution logs")

    async def flush(self) -> None:
        """Deliver all queued entries to the Logs service."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        logs = self._cloud.service(Logs)
        hour = time.strftime("%Y-%m-%d-%H", time.gmtime())
        for (group, machine), entries in waiting.items():
            lines = await asyncio.to_thread(_lines, entries)
            logs.deliver(group, f"states/{machine}/{hour}/{self._shard}", lines)

    async def _deliver_soon(self) -> None:
        await asyncio.sleep(_DELAY)
        self._delivery = None
        await self.flush()


@lru_cache(maxsize=256)
def _settings(configuration: str) -> _LogSettings | None:
    """Return the settings of a machine's logging configuration (JSON), or None if it logs nothing."""
    parsed = json.loads(configuration)
    if parsed["level"] == "OFF" or not parsed.get("destinations"):
        return None
    return _LogSettings(parsed["level"], bool(parsed.get("includeExecutionData")), log_group(parsed))


def _logged(kind: str, level: str) -> bool:
    """Return True if a level includes an event type, by the table in the Developer Guide, "Log levels"."""
    if level == "ALL" or kind in _FATAL:
        return True
    return level == "ERROR" and (kind.endswith(_FAILURES) or kind == "FailStateEntered")


def _lines(entries: list[_LogEntry]) -> list[tuple[int, str]]:
    return [_line(entry) for entry in entries]


def _line(entry: _LogEntry) -> tuple[int, str]:
    """Return an entry as a log event: Unix milliseconds, and AWS's JSON record, in which numbers are strings."""
    event, milliseconds = entry.event, int(entry.event.at * 1000)
    record = {
        "id": str(event.id),
        "type": event.type,
        "details": _details(event.details or {}, data=entry.data),
        "previous_event_id": str(event.previous),
        "event_timestamp": str(milliseconds),
        "execution_arn": entry.execution,
        "redrive_count": str(entry.redrives),
    }
    return milliseconds, dumps(record)


def _details(details: dict[str, Any], *, data: bool) -> dict[str, Any]:
    if not data:
        return {name: value for name, value in details.items() if name.removesuffix("Details") not in _DATA}
    if not any(isinstance(value, str) and _too_long(value) for value in details.values()):
        return details
    shown = dict(details)
    for name in ("input", "output"):
        if isinstance(text := details.get(name), str) and _too_long(text):
            shown[name], shown[f"{name}Details"] = _cut(text), {"truncated": True}
    return shown


def _too_long(text: str) -> bool:
    return len(text) * 6 > _LIMIT and len(dumps(text).encode("utf-8", "surrogatepass")) > _LIMIT


def _cut(text: str) -> str:
    """Return the longest beginning of a text that is within the limit after escaping."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(dumps(text[:middle]).encode("utf-8", "surrogatepass")) <= _LIMIT:
            low = middle
        else:
            high = middle - 1
    return text[:low]
