"""Stored events on their way to live tails."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

MAX_WAITING = 4 << 20
"""Maximum number of characters that wait for one live tail; the oldest events are dropped, and AWS samples, too."""
_OVERHEAD = 100
"""Characters that an event counts in addition to its message."""


class LiveEvent(NamedTuple):
    """An event of a group; times are in milliseconds since 1970."""

    group: str
    stream: str
    at: int
    message: str


class LiveFeed:
    """The events that one live tail has not sent yet."""

    def __init__(self, groups: frozenset[str]) -> None:
        self.groups = groups
        self._dropped = False
        self._size = 0
        self._waiting: deque[LiveEvent] = deque()
        self._closed = asyncio.Event()

    def add(self, event: LiveEvent) -> None:
        """Add an event; drop the oldest ones if too many wait."""
        self._waiting.append(event)
        self._size += len(event.message) + _OVERHEAD
        while self._size > MAX_WAITING:
            self._size -= len(self._waiting.popleft().message) + _OVERHEAD
            self._dropped = True

    def take(self) -> tuple[list[LiveEvent], bool]:
        """Return the waiting events and forget them; return True with them if others were dropped."""
        taken = list(self._waiting), self._dropped
        self._waiting.clear()
        self._size, self._dropped = 0, False
        return taken

    def close(self) -> None:
        """End the live tail."""
        self._closed.set()

    async def closed_within(self, seconds: float) -> bool:
        """Wait, and return True if the live tail has been closed."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return False
        return True


class LiveEvents:
    """The open live tails."""

    def __init__(self) -> None:
        self._feeds: set[LiveFeed] = set()

    @property
    def number(self) -> int:
        """Return the number of open live tails."""
        return len(self._feeds)

    def open(self, groups: frozenset[str]) -> LiveFeed:
        """Start to collect the events of some groups."""
        feed = LiveFeed(groups)
        self._feeds.add(feed)
        return feed

    def forget(self, feed: LiveFeed) -> None:
        """Stop to collect events for a live tail."""
        self._feeds.discard(feed)

    def close(self) -> None:
        """End all live tails."""
        for feed in self._feeds:
            feed.close()

    def publish(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Pass written events to the live tails of their group."""
        for feed in self._feeds:
            if group in feed.groups:
                for at, message in events:
                    feed.add(LiveEvent(group, stream, at, message))
