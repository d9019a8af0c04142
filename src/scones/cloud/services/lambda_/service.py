"""The Lambda service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.http_route import HttpRoute
from scones.cloud.service import Service
from scones.cloud.services.lambda_.event_sources.event_sources import SCHEMA as EVENT_SOURCES
from scones.cloud.services.lambda_.event_sources.event_sources import EventSourceMappings
from scones.cloud.services.lambda_.event_sources.operations import EventSourceOperations
from scones.cloud.services.lambda_.event_sources.pollers import Pollers
from scones.cloud.services.lambda_.event_sources.tags import TagOperations
from scones.cloud.services.lambda_.functions.account import AccountOperations
from scones.cloud.services.lambda_.functions.aliases import AliasOperations
from scones.cloud.services.lambda_.functions.code import CodeStore
from scones.cloud.services.lambda_.functions.code_links import CodeLinks
from scones.cloud.services.lambda_.functions.code_signing import SCHEMA as CODE_SIGNING
from scones.cloud.services.lambda_.functions.code_signing import CodeSigningConfigs, CodeSigningOperations
from scones.cloud.services.lambda_.functions.concurrency import ConcurrencyOperations
from scones.cloud.services.lambda_.functions.deployment_packages import DeploymentPackages
from scones.cloud.services.lambda_.functions.event_configs import EventConfigOperations
from scones.cloud.services.lambda_.functions.function_records import SCHEMA as FUNCTIONS
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords
from scones.cloud.services.lambda_.functions.functions import FunctionOperations
from scones.cloud.services.lambda_.functions.layer_permissions import SCHEMA as LAYER_POLICIES
from scones.cloud.services.lambda_.functions.layer_permissions import LayerPermissionOperations
from scones.cloud.services.lambda_.functions.layers import LayerOperations
from scones.cloud.services.lambda_.functions.names import FunctionNames
from scones.cloud.services.lambda_.functions.permissions import PermissionOperations
from scones.cloud.services.lambda_.functions.setting_records import SCHEMA as SETTINGS
from scones.cloud.services.lambda_.functions.setting_records import SettingRecords
from scones.cloud.services.lambda_.functions.stored_settings import StoredSettingOperations
from scones.cloud.services.lambda_.functions.versions import VersionOperations
from scones.cloud.services.lambda_.invoke.async_invocations import AsyncInvocations
from scones.cloud.services.lambda_.invoke.destinations import TABLE as DESTINATIONS
from scones.cloud.services.lambda_.invoke.function_url_server import FunctionUrlServer
from scones.cloud.services.lambda_.invoke.function_urls import SCHEMA as FUNCTION_URLS
from scones.cloud.services.lambda_.invoke.function_urls import FunctionUrlOperations
from scones.cloud.services.lambda_.invoke.invoke_operations import InvocationOperations
from scones.cloud.services.lambda_.invoke.invoker import Invoker


class Lambda(Service):
    """The Lambda service. Functions run in execution environments on this machine; function URLs are HTTP routes."""

    name: ClassVar[str] = "lambda"
    groups = (
        FunctionOperations,
        ConcurrencyOperations,
        VersionOperations,
        AliasOperations,
        LayerOperations,
        LayerPermissionOperations,
        PermissionOperations,
        CodeSigningOperations,
        StoredSettingOperations,
        AccountOperations,
        InvocationOperations,
        EventConfigOperations,
        FunctionUrlOperations,
        EventSourceOperations,
        TagOperations,
    )
    schema: ClassVar[str] = ";".join(
        (
            FUNCTIONS,
            LAYER_POLICIES,
            CODE_SIGNING,
            EVENT_SOURCES,
            Outbox.schema(DESTINATIONS),
            FUNCTION_URLS,
            SETTINGS,
        )
    )
    unvalidated_members: ClassVar[frozenset[str]] = frozenset({"Runtime"})
    reports_null_members: ClassVar[bool] = True
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "CreateFunction": {
                "ImageConfig": "",
                "TenancyConfig": "",
                "CapacityProviderConfig": "",
                "DurableConfig": "",
                "RuntimeConfig": "",
                "AcceleratorConfig": "",
                "PublishTo": "",
            },
            "UpdateFunctionConfiguration": {
                "ImageConfig": "",
                "CapacityProviderConfig": "",
                "DurableConfig": "",
                "RuntimeConfig": "",
                "AcceleratorConfig": "",
            },
            "UpdateFunctionCode": {"PublishTo": ""},
            "PublishVersion": {"PublishTo": ""},
            "Invoke": {"DurableExecutionName": "", "TenantId": ""},
            "InvokeWithResponseStream": {"TenantId": ""},
            "ListFunctions": {"MasterRegion": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        folder = cloud.settings.data_dir / "lambda"
        names = FunctionNames(cloud)
        self._records = records = FunctionRecords(cloud)
        settings = SettingRecords(cloud.store)
        signing = CodeSigningConfigs(cloud, settings)
        self._code = CodeStore(folder)
        packages = DeploymentPackages(cloud, self._code)
        self._links = CodeLinks(cloud, self._code)
        self._invoker = Invoker(cloud, records, settings, self._code, folder / "tmp")
        self._events = AsyncInvocations(cloud, records, self._invoker)
        self._urls = FunctionUrlServer(cloud, self._invoker)
        mappings = EventSourceMappings(cloud.store)
        self._pollers = Pollers(cloud, mappings, self._invoker)
        super().__init__(
            cloud,
            FunctionOperations(
                cloud=cloud,
                names=names,
                records=records,
                packages=packages,
                links=self._links,
                invoker=self._invoker,
                signing=signing,
            ),
            ConcurrencyOperations(cloud=cloud, names=names, records=records, settings=settings, invoker=self._invoker),
            VersionOperations(names, records),
            AliasOperations(names, records),
            LayerOperations(cloud, packages, self._links),
            LayerPermissionOperations(cloud),
            PermissionOperations(cloud, names, records, settings),
            CodeSigningOperations(cloud=cloud, names=names, records=records, settings=settings, configs=signing),
            StoredSettingOperations(names, records, settings),
            AccountOperations(cloud),
            InvocationOperations(names, self._invoker, self._events),
            EventConfigOperations(cloud, names, records),
            FunctionUrlOperations(cloud, names, records),
            EventSourceOperations(cloud=cloud, names=names, records=records, mappings=mappings, pollers=self._pollers),
            TagOperations(names, records, mappings),
        )

    def http_routes(self) -> Sequence[HttpRoute]:
        """Return the routes of archives and of function URLs."""
        return self._links, self._urls

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
