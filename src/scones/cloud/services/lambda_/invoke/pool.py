"""The pool of execution environments: reused while warm, released when idle, replaced when a function changes."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.runtime.execution_environment import ExecutionEnvironment

IDLE_SECONDS = 300.0
"""Seconds that an idle environment is kept warm."""
AT_ONCE = max(4, 2 * (os.cpu_count() or 2))
"""Maximum number of environments of one function version that run at once; further invocations wait for one of them.

AWS would start up to the account's limit of 1,000. On one machine, more processes than this only slow each other down.
"""
WAITING_LIMIT = 1000
"""Maximum number of waiting invocations of a version; more are throttled, as on AWS above the account's concurrency."""

Start = Callable[[bool], Awaitable[ExecutionEnvironment]]
"""Starts an environment; the argument is True for one of provisioned concurrency."""


@dataclass(slots=True)
class _RevisionEnvironments:
    """The environments of one revision of a function version."""

    idle: list[ExecutionEnvironment] = field(default_factory=list)
    free_slots: int = AT_ONCE
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    retired: bool = False
    provisioned: bool = False

    @property
    def busy(self) -> int:
        """Number of environments that are running an invocation."""
        return AT_ONCE - self.free_slots


class EnvironmentPool:
    """All execution environments of the cloud, by function name and revision."""

    def __init__(self) -> None:
        self._groups: dict[str, dict[str, _RevisionEnvironments]] = {}
        self._all: set[ExecutionEnvironment] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def acquire(
        self, function: str, revision: str, start: Start, reserved: int | None, provisioned: int = 0
    ) -> AsyncIterator[ExecutionEnvironment]:
        """Lend a warm environment of a revision, or a new one; wait for one if `AT_ONCE` are running.

        Once environments of provisioned concurrency have started, up to `provisioned` invocations run in them. For the
        others, raises `TooManyRequestsException` above `reserved`, or if `WAITING_LIMIT` invocations already wait.
        """
        group = self._group(function, revision, provisioned=True)
        if not group.idle and not group.busy and reserved is not None:
            reserved += provisioned  # they have not started, or cannot start
        if (group.idle or group.busy) and group.busy < provisioned:
            await self._acquire_slot(function, group, None)
        else:
            group = self._group(function, revision, provisioned=False)
            await self._acquire_slot(function, group, reserved)
        environment: ExecutionEnvironment | None = None
        try:
            environment = await self._warm_or_new(group, start)
            yield environment
        finally:
            group.free_slots += 1
            if environment is not None and environment.usable and not group.retired:
                group.idle.append(environment)
            elif environment is not None:
                self._close(environment)
            while group.waiting:
                if not (slot := group.waiting.popleft()).done():
                    slot.set_result(None)
                    break

    def _group(self, function: str, revision: str, *, provisioned: bool) -> _RevisionEnvironments:
        """Return the environments of a revision: those of provisioned concurrency, or the others."""
        key = f"{revision} provisioned" if provisioned else revision
        return self._groups.setdefault(function, {}).setdefault(key, _RevisionEnvironments(provisioned=provisioned))

    async def provision(self, function: str, revision: str, start: Start, count: int) -> bool:
        """Start environments of provisioned concurrency until there are `count`; return False if one cannot start."""
        group = self._group(function, revision, provisioned=True)
        while len(group.idle) + group.busy < min(count, AT_ONCE) and not group.retired:
            environment = await start(True)
            self._all.add(environment)
            if not await environment.initialise():
                self._close(environment)
                return False
            group.idle.append(environment)
        return True

    def unprovision(self, function: str, revision: str) -> None:
        """End the idle environments of provisioned concurrency."""
        group = self._group(function, revision, provisioned=True)
        for environment in group.idle:
            self._close(environment)
        group.idle.clear()

    async def _acquire_slot(self, function: str, group: _RevisionEnvironments, reserved: int | None) -> None:
        busy = sum(other.busy for other in self._groups[function].values() if not other.provisioned)
        if reserved is not None and busy >= reserved:
            raise _throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
        while group.free_slots <= 0:
            if len(group.waiting) >= WAITING_LIMIT:
                raise _throttled("ConcurrentInvocationLimitExceeded")
            slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            group.waiting.append(slot)
            await slot
        group.free_slots -= 1

    async def _warm_or_new(self, group: _RevisionEnvironments, start: Start) -> ExecutionEnvironment:
        while group.idle:
            environment = group.idle.pop()
            if environment.usable and await environment.wait_until_idle():
                return environment
            self._close(environment)  # it ended while it was idle, or has reached its lifetime
        environment = await start(group.provisioned)
        self._all.add(environment)
        return environment

    def retire(self, function: str) -> None:
        """Stop reusing a function's environments, because it has changed or was deleted; running invocations finish."""
        for group in self._groups.pop(function, {}).values():
            group.retired = True
            for environment in group.idle:
                self._close(environment)
            group.idle.clear()

    def release_idle(self) -> None:
        """End environments that have been idle for more than `IDLE_SECONDS`."""
        before = time.monotonic() - IDLE_SECONDS
        for groups in self._groups.values():
            for group in groups.values():
                expired = [] if group.provisioned else [known for known in group.idle if known.idle_since < before]
                for environment in expired:
                    group.idle.remove(environment)
                    self._close(environment)

    def _close(self, environment: ExecutionEnvironment) -> None:
        environment.close()
        self._all.discard(environment)
        task = asyncio.get_running_loop().create_task(environment.closed())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """End all environments, and wait until they have ended."""
        for environment in tuple(self._all):
            self._close(environment)
        await asyncio.gather(*self._closing, return_exceptions=True)


def _throttled(reason: str) -> ServiceError:
    return ServiceError("TooManyRequestsException", "Rate Exceeded.", 429, Reason=reason, Type="User")
