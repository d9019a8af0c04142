"""Taking up what an earlier process left: one thing at a time, each apart from all others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scones.cloud.step_record import STRIKES, StepRecord, traced, tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leftover:
    """One thing that an earlier process left, and how it is taken up.

    `kind` and `name` are for people ("execution" and its ARN). `place` is where it stands, so far as that is known:
    what has moved on since it last hung the cloud is not the same place. `give_up` is told why it cannot be taken up.
    """

    kind: str
    name: str
    take_up: Callable[[], Coroutine[Any, Any, None]]
    give_up: Callable[[str], Awaitable[None]] | None = None
    place: str = ""

    @property
    def label(self) -> str:
        """Return the text by which it is known to the record of steps."""
        return f"{self.kind} {self.name}{self.place and f' at {self.place}'}"


class Resumption:
    """The one way in which services go on with the work of an earlier process.

    Services `plan` what they find when they start; it is taken up once the cloud answers requests. What raises is
    given up with the reason, and the rest goes on. What hung or killed the cloud in its last runs (`StepRecord`) is
    given up at once. With `recover` nothing is taken up, and `left` has the names of it by kind.
    """

    def __init__(self, data_dir: Path, *, recover: bool) -> None:
        self.recover = recover
        self.left: dict[str, list[str]] = {}
        self._planned: list[Leftover] = []
        self._record = StepRecord(data_dir)

    def plan(self, leftovers: Iterable[Leftover]) -> None:
        """Have these taken up when the cloud answers requests, in the order in which they are given."""
        for leftover in leftovers:
            if self.recover:
                self.left.setdefault(leftover.kind, []).append(leftover.name)
            else:
                self._planned.append(leftover)

    async def now(self, leftovers: Iterable[Leftover]) -> None:
        """Take these up before the cloud answers requests: what is only recorded anew, and starts no work."""
        for leftover in leftovers:
            if self.recover:
                self.plan([leftover])
            else:
                await self.take_up(leftover)

    async def run(self) -> None:
        """Take up everything that was planned."""
        planned, self._planned = self._planned, []
        for leftover in planned:
            await self.take_up(leftover)

    async def take_up(self, leftover: Leftover) -> None:
        """Take up one thing, or give it up; never raises for a fault of it."""
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
        """Take up one thing; return why that failed, or None."""
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
        """Return a context in which the tasks that are begun belong to a leftover."""
        return tracing(self._record, leftover.label)

    def close(self) -> None:
        """Forget the strikes: this run ends in order."""
        self._record.close()


def describe(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
