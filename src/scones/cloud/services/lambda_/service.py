"""The Lambda service."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.http_route import HttpRoute
from scones.cloud.services.lambda_.base import LambdaBase
from scones.cloud.services.lambda_.event_sources.operations import EventSourceOperations
from scones.cloud.services.lambda_.functions.account import AccountOperations
from scones.cloud.services.lambda_.functions.aliases import AliasOperations
from scones.cloud.services.lambda_.functions.event_configs import EventConfigOperations
from scones.cloud.services.lambda_.functions.function_settings import FunctionSettingOperations
from scones.cloud.services.lambda_.functions.functions import FunctionOperations
from scones.cloud.services.lambda_.functions.layers import LayerOperations
from scones.cloud.services.lambda_.functions.permissions import PermissionOperations
from scones.cloud.services.lambda_.functions.stored_settings import SCHEMA as RECORDED_SETTINGS
from scones.cloud.services.lambda_.functions.stored_settings import StoredSettingOperations
from scones.cloud.services.lambda_.functions.versions import VersionOperations
from scones.cloud.services.lambda_.invoke.function_url_server import FunctionUrlServer
from scones.cloud.services.lambda_.invoke.function_urls import SCHEMA as FUNCTION_URLS
from scones.cloud.services.lambda_.invoke.function_urls import FunctionUrlOperations
from scones.cloud.services.lambda_.invoke.invoke_operations import InvocationOperations


class Lambda(
    FunctionOperations,
    FunctionSettingOperations,
    InvocationOperations,
    EventConfigOperations,
    EventSourceOperations,
    FunctionUrlOperations,
    VersionOperations,
    AliasOperations,
    LayerOperations,
    PermissionOperations,
    StoredSettingOperations,
    AccountOperations,
):
    """The Lambda service. Functions run in execution environments on this machine; function URLs are HTTP routes."""

    schema: ClassVar[str] = f"{LambdaBase.schema};{FUNCTION_URLS};{RECORDED_SETTINGS}"

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(cloud)
        self._urls = FunctionUrlServer(cloud, self._invoker)

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the routes of archives and of function URLs."""
        return self.links, self._urls

    async def start(self) -> None:
        """Remove unused files of an earlier process, and plan the resumption of its accepted events and mappings."""
        if self.cloud.may_sweep:
            await asyncio.to_thread(self._code.sweep, self._records.used_code())
        await self._invoker.start()
        self._events.start()
        self._pollers.start()

    def drain(self) -> None:
        """Stop receiving messages from queues."""
        self._pollers.drain()

    async def stop(self) -> None:
        """End all execution environments."""
        await self._invoker.stop()
