"""Resumption of the work of an earlier process, item by item, so that one failure affects no other item."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scones.cloud.core.step_record import STRIKES, StepRecord, traced, tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leftover:
    """An item of work that an earlier process left, with functions to resume it and to give it up.

    `kind` and `name` are for messages ("execution" and its ARN). `place` is the item's progress, if known: an item that
    has advanced since it last hung the cloud counts as a different one. `give_up` gets the reason why the item cannot
    be resumed.
    """

    kind: str
    name: str
    take_up: Callable[[], Coroutine[Any, Any, None]]
    give_up: Callable[[str], Awaitable[None]] | None = None
    place: str = ""

    @property
    def label(self) -> str:
        """Return the text that identifies the item in the record of steps."""
        return f"{self.kind} {self.name}{self.place and f' at {self.place}'}"


class Resumption:
    """Resumption of the services' work from an earlier process.

    Services `plan` the items that they find when they start; these are resumed once the cloud responds to requests. An
    item that raises is given up with the reason, and the others continue. An item that hung or killed the cloud in its
    last runs (`StepRecord`) is given up at once. With `recover` nothing is resumed, and `left` contains the items'
    names by kind.
    """

    def __init__(self, data_dir: Path, *, recover: bool) -> None:
        self.recover = recover
        self.left: dict[str, list[str]] = {}
        self._planned: list[Leftover] = []
        self._record = StepRecord(data_dir)

    def plan(self, leftovers: Iterable[Leftover]) -> None:
        """Schedule items for resumption, in the given order, once the cloud responds to requests."""
        for leftover in leftovers:
            if self.recover:
                self.left.setdefault(leftover.kind, []).append(leftover.name)
            else:
                self._planned.append(leftover)

    async def now(self, leftovers: Iterable[Leftover]) -> None:
        """Resume items before the cloud responds to requests: only items that restore records and start no work."""
        for leftover in leftovers:
            if self.recover:
                self.plan([leftover])
            else:
                await self.take_up(leftover)

    async def run(self) -> None:
        """Resume all planned items."""
        planned, self._planned = self._planned, []
        for leftover in planned:
            await self.take_up(leftover)

    async def take_up(self, leftover: Leftover) -> None:
        """Resume one item, or give it up; never raises for an error of the item."""
        reason = await self._reason_against(leftover)
        if reason is None:
            return
        log.error("The %s %s is not resumed: %s", leftover.kind, leftover.name, reason)
        if leftover.give_up is None:
            return
        try:
            await leftover.give_up(reason)
        except Exception as error:
            log.error("The %s %s could not be ended either: %s", leftover.kind, leftover.name, describe(error))

    async def _reason_against(self, leftover: Leftover) -> str | None:
        """Resume one item; return the reason if that failed, else None."""
        if self._record.condemned(leftover.label):
            return f"the local cloud hung or was killed during one of its steps, {STRIKES} starts in a row"
        try:
            with self.tracing(leftover):
                await asyncio.get_running_loop().create_task(traced(leftover.take_up()))
        except Exception as error:
            log.debug("The %s %s could not be taken up", leftover.kind, leftover.name, exc_info=error)
            return describe(error)
        return None

    def tracing(self, leftover: Leftover) -> AbstractContextManager[None]:
        """Return a context in which new tasks are recorded as belonging to an item."""
        return tracing(self._record, leftover.label)

    def close(self) -> None:
        """Delete the strikes: this run ends cleanly."""
        self._record.close()


def describe(error: BaseException) -> str:
    """Return an exception as one line of text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
