"""The background task that stores the metrics of the cloud's services."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from functools import partial

from scones.cloud.context import CloudContext
from scones.cloud.core.service_metrics import MetricMinute
from scones.cloud.services.cloudwatch.samples import add_to_samples, delete_samples

SECONDS = 5.0
"""Seconds between two writes; AWS publishes metrics after about a minute."""
KEPT_SECONDS = 15 * 86_400
"""Age at which values are deleted, as on AWS for values of a minute; AWS keeps aggregates of them for longer."""
NAMESPACES = ("AWS/Lambda", "AWS/SQS", "AWS/SNS", "AWS/States")
"""Namespaces of the metrics that services publish."""
_SWEEP_SECONDS = 3600.0
_TOGETHER = 100
"""Number of metrics in one write, so that other writes do not wait for long."""


class ServiceMetricWriter:
    """Stores the values in `CloudContext.metrics`: one row per metric, minute and value."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._swept = 0.0

    def start(self) -> None:
        """Start the background task; it sleeps while services publish nothing."""
        self._cloud.spawn(self._run(), name="metrics of services")

    async def flush(self) -> None:
        """Store all collected values."""
        taken = list(self._cloud.metrics.take().items())
        for begin in range(0, len(taken), _TOGETHER):
            await self._cloud.store.write(partial(_write, minutes=taken[begin : begin + _TOGETHER]))

    async def _run(self) -> None:
        while True:
            await self._cloud.metrics.added.wait()
            await asyncio.sleep(SECONDS)
            await self.flush()
            if time.monotonic() - self._swept > _SWEEP_SECONDS:
                self._swept = time.monotonic()
                await self._sweep(time.time() - KEPT_SECONDS)

    async def _sweep(self, before: float) -> None:
        for namespace in NAMESPACES:
            await self._cloud.store.write(partial(delete_samples, namespace=namespace, before=before))


def _write(connection: sqlite3.Connection, minutes: Sequence[tuple[MetricMinute, Mapping[float, int]]]) -> None:
    for minute, values in minutes:
        samples = [(float(minute.at), minute.unit, value, float(count)) for value, count in values.items()]
        add_to_samples(connection, minute.namespace, minute.name, dict(minute.dimensions), samples)
