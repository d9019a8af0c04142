"""Deliveries of log events to their groups' filters: metric filters put metrics, subscription filters call functions.

The events of a write are in the outbox before the write is acknowledged, so that a crash loses none of them.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import sqlite3
from collections.abc import Sequence
from typing import TypedDict

from scones.cloud.context import CloudContext
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.delivery.targets import TargetMessage, check_ready, send
from scones.cloud.errors import ServiceError
from scones.cloud.services.logs.filter_patterns import FilterPattern, parse_filter_pattern
from scones.cloud.services.logs.json_patterns import parsed, selected_text
from scones.cloud.services.logs.log_filters import LogFilter, LogFilters, filter_key
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

TABLE = "log_deliveries"
_MESSAGE_CHARACTERS = 200_000
"""Number of characters of events in one message to a function, which leaves room for base64 below Lambda's limit."""

StoredEvent = tuple[int, int, str]
"""An event's ID, its time in milliseconds since 1970, and its line."""


class Batch(TypedDict):
    """Events of one stream that were written at once."""

    stream: str
    events: list[StoredEvent]


class FilterDeliveries:
    """Passes written events to the filters of their group."""

    def __init__(self, cloud: CloudContext, filters: LogFilters) -> None:
        self._cloud = cloud
        self._filters = filters
        self._outbox: Outbox[Batch] = Outbox(cloud, TABLE, self._deliver, self._failed)

    def start(self) -> None:
        """Read the filters, and plan the deliveries that an earlier process left."""
        self._filters.load()
        self._outbox.start()

    def put(self, connection: sqlite3.Connection, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Store the deliveries of events inside the write that has just stored the events."""
        lanes = self._filters.lanes(group)
        if lanes and events:
            (last,) = connection.execute("SELECT last_insert_rowid()").fetchone()
            first = last - len(events) + 1
            numbered = [(first + number, at, message) for number, (at, message) in enumerate(events)]
            self._outbox.put(connection, lanes, Batch(stream=stream, events=numbered))

    def wake(self, group: str) -> None:
        """Start the deliveries of a group's events when their write is on disk."""
        self._outbox.wake(self._filters.lanes(group))

    async def _deliver(self, lane: str, batch: Batch) -> None:
        found = self._filters.get(*filter_key(lane))
        if found is None:
            return
        pattern = parse_filter_pattern(found.document["filterPattern"])
        async with TimeSlices() as slices:
            matching = []
            for event in batch["events"]:
                if await pattern.matches(event[2], slices):
                    matching.append(event)
                if slices.used_up():
                    await slices.pause()
        if found.kind == "metric":
            await self._put_metrics(found, pattern, matching, batch)
        else:
            await self._invoke(found, matching, batch["stream"])

    async def _put_metrics(
        self, found: LogFilter, pattern: FilterPattern, matching: list[StoredEvent], batch: Batch
    ) -> None:
        """Put a value for each matching event, at the event's time; without matches, put the default value once.

        AWS puts the default value once per minute in which events came and none matched.
        """
        check_ready(self._cloud, "cloudwatch")
        (transformation,) = found.document["metricTransformations"]
        data = [
            datum
            for _, at, message in matching
            if (datum := _datum(transformation, pattern.extracted(message), message, at)) is not None
        ]
        default = transformation.get("defaultValue")
        if not matching and default is not None:
            data = [_value(transformation, default, batch["events"][-1][1])]
        for begin in range(0, len(data), 1000):
            params: Members = {
                "Namespace": transformation["metricNamespace"],
                "MetricData": data[begin : begin + 1000],
            }
            await self._cloud.call("cloudwatch", "PutMetricData", params)

    async def _invoke(self, found: LogFilter, matching: list[StoredEvent], stream: str) -> None:
        """Invoke the function of a subscription filter with the matching events, as AWS does: compressed, in base64."""
        for events in _pieces(matching):
            message = {
                "messageType": "DATA_MESSAGE",
                "owner": self._cloud.settings.account,
                "logGroup": found.group,
                "logStream": stream,
                "subscriptionFilters": [found.name],
                "logEvents": [
                    {"id": f"{number:056d}", "timestamp": at, "message": line} for number, at, line in events
                ],
            }
            data = await asyncio.to_thread(_compressed, message)
            text = json.dumps({"awslogs": {"data": data}})
            await send(self._cloud, found.document["destinationArn"], TargetMessage(text=text))

    async def _failed(self, lane: str, batch: Batch, error: ServiceError) -> None:
        _, group, name = filter_key(lane)
        log.warning("Filter %s of %s lost %d events: %s", name, group, len(batch["events"]), error)


def _compressed(message: Members) -> str:
    return base64.b64encode(gzip.compress(json.dumps(message).encode(errors="replace"))).decode()


def _pieces(events: list[StoredEvent]) -> list[list[StoredEvent]]:
    """Split events into pieces of about `_MESSAGE_CHARACTERS`."""
    pieces: list[list[StoredEvent]] = []
    size = _MESSAGE_CHARACTERS
    for event in events:
        if size >= _MESSAGE_CHARACTERS:
            pieces.append([])
            size = 0
        pieces[-1].append(event)
        size += len(event[2])
    return pieces


def _datum(transformation: Members, extracted: dict[str, str], message: str, at: int) -> Members | None:
    """Return the value that a transformation takes from an event, or None if the event has no number there."""
    found = _resolved(transformation["metricValue"], extracted, message)
    try:
        value = float(found) if found is not None else None
    except ValueError:
        value = None
    if value is None:
        return None
    datum = _value(transformation, value, at)
    dimensions = {
        name: text
        for name, selector in transformation.get("dimensions", {}).items()
        if (text := _resolved(selector, extracted, message)) is not None
    }
    if dimensions:
        datum["Dimensions"] = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return datum


def _resolved(text: str, extracted: dict[str, str], message: str) -> str | None:
    """Return a text, or the value in the event that it names: `$.member` or `$column`."""
    if not text.startswith("$"):
        return text
    if text in extracted:
        return extracted[text]
    return selected_text(parsed(message), text) if text.startswith(("$.", "$[")) else None


def _value(transformation: Members, value: float, at: int) -> Members:
    return {
        "MetricName": transformation["metricName"],
        "Timestamp": at / 1000,
        "Value": value,
        "Unit": transformation.get("unit", "None"),
    }
