"""The programs on a job's instances, which run and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

GRACE = 120.0
"""Seconds between SIGTERM and SIGKILL, as on AWS."""


class JobInstance(Protocol):
    """An instance of a job, which runs one program."""

    async def wait(self) -> int:
        """Wait until the program ends; return its exit code."""

    def terminate(self) -> None:
        """Ask the program to end (SIGTERM)."""

    def kill(self) -> None:
        """Kill the program."""


Instance = TypeVar("Instance", bound=JobInstance)


class JobPrograms(Generic[Instance]):
    """The started programs of a job; the first failure kills the other programs, as on AWS."""

    def __init__(self, instances: Sequence[Instance], stop_requested: asyncio.Event) -> None:
        self._instances = instances
        self._stop_requested = stop_requested
        self._closing = False
        """True after the programs were asked to end; then a failed program does not end the others."""

    async def wait(self, limit: float) -> tuple[tuple[Instance, int] | None, str]:
        """Wait until the programs end; ask them to end on a stop request, or after `limit` seconds.

        Returns the instance that failed first, with its exit code, or None; and Completed, Stopped or
        MaxRuntimeExceeded.
        """
        ended = asyncio.ensure_future(self._wait_for_all())
        stop = asyncio.ensure_future(self._stop_requested.wait())
        try:
            await asyncio.wait({ended, stop}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result(), "Completed"
            self._closing = True
            ending = "Stopped" if self._stop_requested.is_set() else "MaxRuntimeExceeded"
            for instance in self._instances:
                instance.terminate()
            await asyncio.wait({ended}, timeout=GRACE)
            self.kill()
            return await ended, ending
        finally:
            stop.cancel()
            ended.cancel()

    def kill(self) -> None:
        """Kill every program."""
        for instance in self._instances:
            instance.kill()

    async def _wait_for_all(self) -> tuple[Instance, int] | None:
        running = {asyncio.ensure_future(instance.wait()): instance for instance in self._instances}
        waiting, failed = set(running), None
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if task.result() and failed is None and not self._closing:
                        failed = running[task], task.result()
                        self.kill()
            return failed
        finally:
            for task in waiting:
                task.cancel()
