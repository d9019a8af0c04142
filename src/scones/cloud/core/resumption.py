"""Resumption of the work of an earlier process, item by item, so that one failure affects no other item."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scones.cloud.core.step_record import MAX_STRIKES, StepRecord, traced, tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ResumableWork:
    """An item of work that an earlier process left unfinished, with functions to resume it and to give it up.

    `kind` and `name` are for messages ("execution" and its ARN). `progress` is the item's progress, if known: an item
    that has advanced since it last hung the cloud counts as a different one. `give_up` gets the reason why the item
    cannot be resumed.
    """

    kind: str
    name: str
    resume: Callable[[], Coroutine[Any, Any, None]]
    give_up: Callable[[str], Awaitable[None]] | None = None
    progress: str = ""

    @property
    def label(self) -> str:
        """Return the text that identifies the item in the record of steps."""
        return f"{self.kind} {self.name}{self.progress and f' at {self.progress}'}"


class Resumption:
    """Resumption of the services' work from an earlier process.

    Services `plan` the items that they find when they start; these are resumed once the cloud responds to requests. An
    item that raises is given up with the reason, and the others continue. An item that hung or killed the cloud in its
    last runs (`StepRecord`) is given up at once. With `recover` nothing is resumed, and `not_resumed` contains the
    items' names by kind.
    """

    def __init__(self, data_dir: Path, *, recover: bool) -> None:
        self.recover = recover
        self.not_resumed: dict[str, list[str]] = {}
        self._planned: list[ResumableWork] = []
        self._record = StepRecord(data_dir)

    def plan(self, items: Iterable[ResumableWork]) -> None:
        """Schedule items for resumption, in the given order, once the cloud responds to requests."""
        for leftover in items:
            if self.recover:
                self.not_resumed.setdefault(leftover.kind, []).append(leftover.name)
            else:
                self._planned.append(leftover)

    async def resume_now(self, items: Iterable[ResumableWork]) -> None:
        """Resume items before the cloud responds to requests: only items that restore records and start no work."""
        for leftover in items:
            if self.recover:
                self.plan([leftover])
            else:
                await self.resume(leftover)

    async def resume_planned(self) -> None:
        """Resume all planned items."""
        planned, self._planned = self._planned, []
        for leftover in planned:
            await self.resume(leftover)

    async def resume(self, work: ResumableWork) -> None:
        """Resume one item, or give it up; never raises for an error of the item."""
        reason = await self._try_resume(work)
        if reason is None:
            return
        log.error("The %s %s was not resumed: %s", work.kind, work.name, reason)
        if work.give_up is None:
            return
        try:
            await work.give_up(reason)
        except Exception as error:
            log.error("The %s %s could not be ended: %s", work.kind, work.name, describe(error))

    async def _try_resume(self, work: ResumableWork) -> str | None:
        """Resume one item; return the reason if that failed, else None."""
        if self._record.struck_out(work.label):
            return f"the local cloud hung or was killed during one of its steps in {MAX_STRIKES} consecutive runs"
        try:
            with self.tracing(work):
                await asyncio.get_running_loop().create_task(traced(work.resume()))
        except Exception as error:
            log.debug("The %s %s could not be resumed", work.kind, work.name, exc_info=error)
            return describe(error)
        return None

    def tracing(self, work: ResumableWork) -> AbstractContextManager[None]:
        """Return a context in which new tasks are recorded as belonging to an item."""
        return tracing(self._record, work.label)

    def close(self) -> None:
        """Delete the strikes: this run ends cleanly."""
        self._record.close()


def describe(error: BaseException) -> str:
    """Return an exception as one line of text."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
