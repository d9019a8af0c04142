"""Operations on queries of Logs Insights."""

from __future__ import annotations

import asyncio
import base64
import heapq
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scones.cloud.context import CloudContext
from scones.cloud.core.clock import now_ms
from scones.cloud.core.time_slices import sliced_on_thread
from scones.cloud.core.uuids import uuid4
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import invalid
from scones.cloud.services.logs.group_names import group_name
from scones.cloud.services.logs.insights.commands import MAX_RESULTS, Query
from scones.cloud.services.logs.insights.parser import parse_query
from scones.cloud.services.logs.insights.values import TIMES, Row, Value, text, time_text
from scones.cloud.services.logs.page_tokens import list_page
from scones.cloud.wire.members import Members

MAX_QUERIES = 1000
"""Maximum number of queries whose results are kept, in memory; AWS keeps them for seven days."""
MAX_CONCURRENT = 2
"""Number of queries that run at once; others wait with the status Scheduled."""
MAX_SECONDS = 300.0
"""Seconds after which a query ends with the status Timeout; AWS's limit is 60 minutes."""
MAX_RESULT_CHARACTERS = 32 << 20
"""Maximum size of the results of a query; further rows are left out."""
MAX_GROUPS = 50
"""Maximum number of groups per query: API reference, "StartQuery"."""


@dataclass(slots=True)
class StoredQuery:
    """A query, its state and its results."""

    query_id: str
    groups: tuple[str, ...]
    text: str
    query: Query
    begin: int
    end: int
    limit: int
    created: int = field(default_factory=now_ms)
    status: str = "Scheduled"
    results: list[list[Members]] = field(default_factory=list)
    matched: int = 0
    scanned: int = 0
    scanned_bytes: int = 0
    deadline: float = 0.0


class _QueryStoppedError(Exception):
    """The query was cancelled, or its time is up."""


class QueryOperations:
    """Operations that start and stop queries and return their results."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._queries: dict[str, StoredQuery] = {}
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    async def start_query(self, call: OperationCall) -> Members:
        """Start a query in the background."""
        params = call.params
        if params.get("queryLanguage", "CWLI") != "CWLI":
            raise ServiceError("NotImplemented", "The local cloud supports queries in Logs Insights QL only.", 501)
        groups = self._groups(params)
        if params["startTime"] > params["endTime"]:
            raise invalid("Query's end date and time is before its start date and time.")
        begin, end = _milliseconds(params["startTime"]), _milliseconds(params["endTime"])
        stored = StoredQuery(
            query_id=uuid4(),
            groups=groups,
            text=params["queryString"],
            query=parse_query(params["queryString"]),
            begin=begin,
            end=end if params["endTime"] >= _SECONDS else end + 999,
            limit=params.get("limit", MAX_RESULTS),
        )
        while len(self._queries) >= MAX_QUERIES:
            del self._queries[next(iter(self._queries))]
        self._queries[stored.query_id] = stored
        self._cloud.spawn(self._run(stored), name="logs query")
        return {"queryId": stored.query_id}

    async def get_query_results(self, call: OperationCall) -> Members:
        """Return a query's state, and its results so far."""
        stored = self._get(call.params["queryId"])
        return {
            "queryLanguage": "CWLI",
            "results": stored.results,
            "statistics": {
                "recordsMatched": float(stored.matched),
                "recordsScanned": float(stored.scanned),
                "bytesScanned": float(stored.scanned_bytes),
                "logGroupsScanned": float(len(stored.groups)),
            },
            "status": stored.status,
        }

    async def stop_query(self, call: OperationCall) -> Members:
        """Cancel a query that is running; raises `ServiceError` for one that has ended."""
        stored = self._get(call.params["queryId"])
        if stored.status not in ("Scheduled", "Running"):
            raise invalid(f"Query with ID {stored.query_id} has already ended.")  # AWS's words are not known
        stored.status = "Cancelled"
        return {"success": True}

    async def describe_queries(self, call: OperationCall) -> Members:
        """List queries, the newest first."""
        params = call.params
        group, status = params.get("logGroupName"), params.get("status")
        found = [
            {
                "queryId": each.query_id,
                "queryLanguage": "CWLI",
                "queryString": _described(each),
                "status": each.status,
                "createTime": each.created,
                "logGroupName": each.groups[0],
            }
            for each in reversed(self._queries.values())
            if group in (None, *each.groups) and status in (None, each.status)
        ]
        return list_page("queries", found, {"limit": 1000, **_paging(params)})

    def _get(self, query_id: str) -> StoredQuery:
        if query_id not in self._queries:
            raise ServiceError("ResourceNotFoundException", f"Query with ID {query_id} does not exist.")
        return self._queries[query_id]

    def _groups(self, params: Members) -> tuple[str, ...]:
        """Return the names of the groups that a request names, which exist; raises `ServiceError`."""
        named = [params["logGroupName"]] if "logGroupName" in params else params.get("logGroupNames", [])
        named = named + [group_name({"logGroupIdentifier": each}) for each in params.get("logGroupIdentifiers", [])]
        if not named:
            raise invalid("Must provide exactly one of: logGroupName, logGroupNames, or logGroupIdentifiers.")
        if len(named) > MAX_GROUPS:
            raise invalid(f"The number of log groups exceeds the limit of {MAX_GROUPS}.")
        for group in named:
            if not self._store.row("SELECT 1 FROM log_groups WHERE name = ?", group):
                raise _no_group(group, self._cloud.settings.account)
        return tuple(dict.fromkeys(named))

    async def _run(self, stored: StoredQuery) -> None:
        async with self._slots:
            if stored.status == "Cancelled":
                return
            stored.status, stored.deadline = "Running", time.monotonic() + MAX_SECONDS
            account = self._cloud.settings.account
            try:
                results = await self._store.read_on_thread_with(
                    lambda connection: _results(connection, stored, account)
                )
            except _QueryStoppedError:
                if stored.status != "Cancelled":
                    stored.status = "Timeout"
            except ServiceError:
                stored.status = "Failed"
            except BaseException:
                stored.status = "Failed"
                raise
            else:
                stored.results, stored.status = results, "Complete"


_SECONDS = 100_000_000_000
"""A time from which a number means milliseconds: AWS takes both."""


def _no_group(group: str, account: str) -> ServiceError:
    return ServiceError(
        "ResourceNotFoundException",
        f"Log group '{group}' does not exist for account ID '{account}' (Service: AWSLogs; Status Code: 400; Error"
        f" Code: ResourceNotFoundException; Request ID: {uuid4()}; Proxy: null)",
    )


def _milliseconds(moment: int) -> int:
    return moment if moment >= _SECONDS else moment * 1000


def _paging(params: Members) -> Members:
    named = {"limit": params.get("maxResults"), "nextToken": params.get("nextToken")}
    return {name: value for name, value in named.items() if value is not None}


def _described(stored: StoredQuery) -> str:
    sources = ", ".join(f'"{group}"' for group in stored.groups)
    return f"SOURCE {sources} START={stored.begin} END={stored.end} | {stored.text}"


def _results(connection: sqlite3.Connection, stored: StoredQuery, account: str) -> list[list[Members]]:
    """Return the results of a query; runs on a thread, with pauses."""
    shown, found, size = stored.query.shown(), [], 0
    for row in stored.query.run(_rows(connection, stored, account), stored.limit):
        cells = [
            {"field": name, "value": _shown(name, value)} for name in shown if (value := row.get(name)) is not None
        ]
        if not stored.query.is_aggregate:
            cells.append({"field": "@ptr", "value": text(row.get("@ptr"))})
        size += sum(len(cell["value"]) for cell in cells)
        if size > MAX_RESULT_CHARACTERS:
            break
        found.append(cells)
    stored.matched = len(found)
    return found


def _shown(name: str, value: Value) -> str:
    """Return a value as results show it."""
    is_time = name in TIMES or name.startswith(("bin(", "datefloor(", "dateceil("))
    return time_text(value) if is_time and isinstance(value, int | float) else text(value)


def _rows(connection: sqlite3.Connection, stored: StoredQuery, account: str) -> Iterator[Row]:
    """Yield the events of the groups, the newest first."""
    for row in sliced_on_thread(_events(connection, stored.groups, stored.begin, stored.end)):
        if stored.status == "Cancelled" or time.monotonic() > stored.deadline:
            raise _QueryStoppedError
        stored.scanned += 1
        stored.scanned_bytes += len(row["message"])
        yield Row(
            {
                "@timestamp": float(row["at"]),
                "@message": row["message"],
                "@logStream": row["stream"],
                "@log": f"{account}:{row['group_name']}",
                "@ingestionTime": float(row["ingested"]),
                "@ptr": base64.b64encode(f"event {row['id']}".encode()).decode(),
            }
        )


def _events(connection: sqlite3.Connection, groups: Sequence[str], begin: int, end: int) -> Iterator[sqlite3.Row]:
    sql = (
        "SELECT id, group_name, stream, at, ingested, message FROM log_events"
        " WHERE group_name = ? AND at >= ? AND at <= ? ORDER BY at DESC, id DESC"
    )
    each = [connection.execute(sql, (group, begin, end)) for group in groups]
    yield from heapq.merge(*each, key=lambda row: (row["at"], row["id"]), reverse=True)
