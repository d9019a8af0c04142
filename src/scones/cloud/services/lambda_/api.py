"""The Lambda service."""

from __future__ import annotations

import asyncio

from scones.cloud.services.lambda_.account import AccountOperations
from scones.cloud.services.lambda_.event_configs import EventConfigOperations
from scones.cloud.services.lambda_.event_source_operations import EventSourceOperations
from scones.cloud.services.lambda_.functions import FunctionOperations
from scones.cloud.services.lambda_.invocation import InvocationOperations
from scones.cloud.services.lambda_.layers import LayerOperations
from scones.cloud.services.lambda_.permissions import PermissionOperations
from scones.cloud.services.lambda_.versions import VersionOperations


class Lambda(
    FunctionOperations,
    InvocationOperations,
    EventConfigOperations,
    EventSourceOperations,
    VersionOperations,
    LayerOperations,
    PermissionOperations,
    AccountOperations,
):
    """Functions in execution environments on this machine."""

    async def start(self) -> None:
        """Clear what a former process left, and go on with events that it had accepted."""
        await asyncio.to_thread(self._code.sweep, self._records.used_code())
        await self._invoker.start()
        self._events.start()
        self._pollers.start()

    def drain(self) -> None:
        """Take no more messages of queues."""
        self._pollers.drain()

    async def stop(self) -> None:
        """End every execution environment."""
        await self._invoker.stop()
