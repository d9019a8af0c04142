"""ResultWriter: the results of a Map Run's child executions, as the state's output or in S3.

The format of the objects is that of the Developer Guide, "ResultWriter (Map)".
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import last_part
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.distribution import ResultWriter
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError, data_limit_exceeded
from scones.cloud.services.stepfunctions.asl.text import LIMIT, dumps
from scones.cloud.services.stepfunctions.asl.timestamps import format_timestamp
from scones.cloud.services.stepfunctions.map_run.item_readers import s3_cause
from scones.cloud.services.stepfunctions.map_run.map_children import ChildExecutions

_FILES = {"FAILED": ("FAILED", "TIMED_OUT", "ABORTED"), "PENDING": ("PENDING", "REDRIVE"), "SUCCEEDED": ("SUCCEEDED",)}
"""Objects that AWS writes, and the statuses of the child executions in each."""
_BATCH_SIZE = 1000
"""Maximum results of one child execution that are encoded together."""
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class ResultDestination:
    """The bucket and the folder for the results of one Map Run."""

    writer: ResultWriter
    bucket: str
    folder: str
    arn: str

    @classmethod
    def of(cls, writer: ResultWriter, parameters: dict[str, Any], arn: str) -> ResultDestination:
        """Return the destination in evaluated Parameters or Arguments."""
        prefix = str(parameters.get("Prefix") or "").removesuffix("/")
        run = last_part(arn)
        return cls(writer, str(parameters.get("Bucket", "")), f"{prefix}/{run}" if prefix else run, arn)


async def collect_results(writer: ResultWriter | None, children: ChildExecutions, name: str) -> list[Any]:
    """Return the results of the successful child executions in the order of their items.

    Raises `StateFailedError` if they exceed 256 KiB.
    """
    transformation = writer.transformation if writer else "COMPACT"
    if await children.output_size() + 1 > LIMIT:
        raise data_limit_exceeded(name)
    results: list[Any] = []
    async for page in children.ended("SUCCEEDED"):
        for row in page:
            results += _transformed(row, transformation)
    return results


async def write_results(
    cloud: CloudContext, destination: ResultDestination, children: ChildExecutions
) -> dict[str, Any]:
    """Write all results and the manifest to S3; return the state's result, which refers to them."""
    files: dict[str, list[dict[str, Any]]] = {}
    for kind, statuses in _FILES.items():
        body = _ResultBody(children, statuses, destination.writer)
        await body.begin()
        files[kind] = []
        if not body.empty:
            key = f"{destination.folder}/{kind}_0.json"
            await _put(cloud, destination, key, body.chunks())
            files[kind].append({"Key": key, "Size": body.size})
    manifest = {"DestinationBucket": destination.bucket, "MapRunArn": destination.arn, "ResultFiles": files}
    key = f"{destination.folder}/manifest.json"
    await _put(cloud, destination, key, dumps(manifest).encode())
    return {"MapRunArn": destination.arn, "ResultWriterDetails": {"Bucket": destination.bucket, "Key": key}}


@dataclass(slots=True)
class _ResultBody:
    """The content of an object, produced result by result while S3 reads it."""

    children: ChildExecutions
    statuses: tuple[str, ...]
    writer: ResultWriter
    size: int = 0
    empty: bool = True
    _results: AsyncIterator[str] = field(init=False)
    _first: str | None = field(init=False)

    async def begin(self) -> None:
        """Read the first results, and set `empty` if there are none."""
        self._results = self._texts()
        self._first = await anext(self._results, None)
        self.empty = self._first is None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the content as a JSON array or as JSON Lines."""
        opening, between, closing = ("", "\n", "\n") if self.writer.lines else ("[", ",", "]")
        text, lead, chunk = self._first, opening, bytearray()
        while text is not None:
            chunk += (lead + text).encode()
            text, lead = await anext(self._results, None), between
            if text is None or len(chunk) >= _CHUNK:
                self.size += len(chunk)
                yield bytes(chunk)
                chunk.clear()
        self.size += len(closing)
        yield closing.encode()

    async def _texts(self) -> AsyncIterator[str]:
        """Yield the JSON of the results, at most `_BATCH_SIZE` at a time; other tasks run in between."""
        between = "\n" if self.writer.lines else ","
        for status in self.statuses:
            async for page in self.children.ended(status):
                for row in page:
                    results = _transformed(row, self.writer.transformation)
                    for begin in range(0, len(results), _BATCH_SIZE):
                        await asyncio.sleep(0)
                        yield between.join(map(dumps, results[begin : begin + _BATCH_SIZE]))


def _transformed(row: sqlite3.Row, transformation: str) -> list[Any]:
    """Return a child execution's transformed results; the only result of an unsuccessful one is its complete record."""
    if transformation == "NONE" or row["child_status"] != "SUCCEEDED":
        return [_record(row)]

    output = json.loads(row["output"])
    return output if transformation == "FLATTEN" and isinstance(output, list) else [output]


def _record(row: sqlite3.Row) -> dict[str, Any]:
    """Return the complete record of a child execution; for one that has not started, only its input and status."""
    if row["arn"] is None:
        return {"Input": row["child_input"], "InputDetails": {"Included": True}, "Status": "PENDING"}
    record: dict[str, Any] = {
        "ExecutionArn": row["arn"],
        "Input": row["input"],
        "InputDetails": {"Included": True},
        "Name": row["name"],
        "Output": row["output"],
        "OutputDetails": {"Included": True} if row["output"] is not None else None,
        "Error": row["error"],
        "Cause": row["cause"],
        "RedriveCount": row["redrives"],
        "StartDate": format_timestamp(row["started"]),
        "StateMachineArn": row["machine"],
        "Status": row["status"],
        "StopDate": None if row["stopped"] is None else format_timestamp(row["stopped"]),
    }
    if row["status"] == "SUCCEEDED":
        record["RedriveStatus"] = "NOT_REDRIVABLE"
        record["RedriveStatusReason"] = "Execution is SUCCEEDED and cannot be redriven"
    else:
        record["RedriveStatus"] = "REDRIVABLE_BY_MAP_RUN"
    return {name: value for name, value in sorted(record.items()) if value is not None}


async def _put(
    cloud: CloudContext, destination: ResultDestination, key: str, body: bytes | AsyncIterator[bytes]
) -> None:
    """Write an object, or raise `StateFailedError`; the text with which AWS precedes S3's message is unknown."""
    members = {"Bucket": destination.bucket, "Key": key, "ContentType": "application/json", "Body": body}
    try:
        await cloud.call("s3", "PutObject", members)
    except ServiceError as error:
        raise StateFailedError("States.ResultWriterFailed", s3_cause(error)) from error
