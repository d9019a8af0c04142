"""The operation StartLiveTail: an event stream with the events of some groups while they are written."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from scones.cloud.core.arns import is_arn
from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.core.uuids import uuid4
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import invalid, limit_exceeded
from scones.cloud.services.logs.filter_patterns import FilterPattern, parse_filter_pattern
from scones.cloud.services.logs.group_names import existing_group
from scones.cloud.services.logs.live_events import LiveEvent, LiveEvents
from scones.cloud.wire.members import Members

SESSIONS = 15
"""Maximum number of concurrent live tails: CloudWatch Logs User Guide, quotas."""
SESSION_SECONDS = 3 * 3600.0
"""Maximum duration of a live tail: API reference, "StartLiveTail"."""
UPDATE_SECONDS = 1.0
"""Seconds between two updates."""
UPDATE_EVENTS = 500
"""Maximum number of events in an update; further ones are dropped, and the update says that it is a sample."""


class LiveTailOperations:
    """The operation that starts a live tail."""

    def __init__(self, account: str, store: Store, live: LiveEvents) -> None:
        self._account = account
        self._store = store
        self._live = live

    async def start_live_tail(self, call: OperationCall) -> Members:
        """Return a stream that begins with the session and sends an update each second."""
        params = call.params
        groups = [self._group(identifier) for identifier in params["logGroupIdentifiers"]]
        if ("logStreamNames" in params or "logStreamNamePrefixes" in params) and len(groups) > 1:
            raise invalid("Log stream names and prefixes can be specified only for a single log group.")
        if "logStreamNames" in params and "logStreamNamePrefixes" in params:
            raise invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive.")
        pattern = parse_filter_pattern(params.get("logEventFilterPattern", ""))
        if self._live.number >= SESSIONS:
            raise limit_exceeded()
        return {"responseStream": self._updates(frozenset(groups), pattern, call)}

    def _group(self, identifier: str) -> str:
        if not is_arn(identifier):
            raise invalid("The specified log group identifier must be an ARN.")
        return existing_group(self._store, {"logGroupIdentifier": identifier})

    async def _updates(
        self, groups: frozenset[str], pattern: FilterPattern, call: OperationCall
    ) -> AsyncIterator[dict[str, Members]]:
        params = call.params
        names, prefixes = params.get("logStreamNames"), tuple(params.get("logStreamNamePrefixes", ("",)))
        session: Members = {
            "requestId": call.request_id,
            "sessionId": uuid4(),
            **{name: params[name] for name in _ECHOED if name in params},
        }
        end = time.monotonic() + SESSION_SECONDS
        feed = self._live.open(groups)
        try:
            yield {"sessionStart": session}
            while not await feed.closed_within(UPDATE_SECONDS):
                if time.monotonic() > end:
                    return
                waiting, dropped = feed.take()
                wanted = [
                    event
                    for event in waiting
                    if (event.stream in names if names is not None else event.stream.startswith(prefixes))
                ]
                matching = await _matching(wanted, pattern)
                yield {
                    "sessionUpdate": {
                        "sessionMetadata": {"sampled": dropped or len(matching) > UPDATE_EVENTS},
                        "sessionResults": [self._result(event) for event in matching[:UPDATE_EVENTS]],
                    }
                }
        finally:
            self._live.forget(feed)

    def _result(self, event: LiveEvent) -> Members:
        return {
            "logStreamName": event.stream,
            "logGroupIdentifier": f"{self._account}:{event.group}",
            "message": event.message,
            "timestamp": event.at,
            "ingestionTime": now_ms(),
        }


_ECHOED = ("logGroupIdentifiers", "logStreamNames", "logStreamNamePrefixes", "logEventFilterPattern")
"""Parameters that the start of a session repeats."""


async def _matching(events: list[LiveEvent], pattern: FilterPattern) -> list[LiveEvent]:
    found = []
    async with TimeSlices() as slices:
        for event in events:
            if await pattern.matches(event.message, slices):
                found.append(event)
            if slices.used_up():
                await slices.pause()
    return found
