"""Deletion of events that are older than their group's retention period."""

from __future__ import annotations

import asyncio

from scones.cloud.context import CloudContext
from scones.cloud.core.bulk_deletes import delete_all
from scones.cloud.core.clock import now_ms

DAY = 86_400_000
"""Milliseconds in a day."""
_PERIOD = 3600.0
"""Seconds between two deletions; AWS needs up to 72 hours."""


class Retention:
    """The background task that deletes expired events: each hour, and when a period is set."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._due = asyncio.Event()

    def start(self) -> None:
        """Start the background task."""
        self._cloud.spawn(self._run(), name="log retention")

    def wake(self) -> None:
        """Delete expired events soon."""
        self._due.set()

    async def _run(self) -> None:
        while True:
            self._due.clear()
            groups = self._cloud.store.rows("SELECT name, retention FROM log_groups WHERE retention IS NOT NULL")
            for row in groups:
                oldest = now_ms() - row["retention"] * DAY
                await delete_all(self._cloud.store, "log_events", "group_name = ? AND at < ?", row["name"], oldest)
            try:
                await asyncio.wait_for(self._due.wait(), _PERIOD)
            except TimeoutError:
                continue
