"""The CloudWatch Logs service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.service import Service
from scones.cloud.services.logs import filter_deliveries
from scones.cloud.services.logs.documents import QueryDefinitionOperations, ResourcePolicyOperations
from scones.cloud.services.logs.errors import invalid
from scones.cloud.services.logs.event_writer import Event, EventWriter
from scones.cloud.services.logs.events import LogEventOperations
from scones.cloud.services.logs.filter_deliveries import FilterDeliveries
from scones.cloud.services.logs.groups import LogGroupOperations
from scones.cloud.services.logs.live_events import LiveEvents
from scones.cloud.services.logs.live_tail import LiveTailOperations
from scones.cloud.services.logs.log_filters import LogFilters
from scones.cloud.services.logs.metric_filters import MetricFilterOperations
from scones.cloud.services.logs.queries import QueryOperations
from scones.cloud.services.logs.retention import Retention
from scones.cloud.services.logs.schema import SCHEMA
from scones.cloud.services.logs.streams import LogStreamOperations
from scones.cloud.services.logs.subscription_filters import SubscriptionFilterOperations
from scones.cloud.services.logs.tags import LogTagOperations
from scones.cloud.wire.members import Members

NAME_LENGTH = 512
"""Maximum length of the names of groups and streams."""


class Logs(Service):
    """The CloudWatch Logs API; groups, streams and events are in the store, and other services write with `append`."""

    name: ClassVar[str] = "logs"
    groups = (
        LogGroupOperations,
        LogStreamOperations,
        LogEventOperations,
        LogTagOperations,
        MetricFilterOperations,
        SubscriptionFilterOperations,
        ResourcePolicyOperations,
        QueryDefinitionOperations,
        QueryOperations,
        LiveTailOperations,
    )
    schema: ClassVar[str] = f"{SCHEMA};{Outbox.schema(filter_deliveries.TABLE)}"
    validation_code: ClassVar[str] = "InvalidParameterException"
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "DescribeLogGroups": {"accountIdentifiers": "", "includeLinkedAccounts": ""},
            "ListLogGroups": {
                "accountIdentifiers": "",
                "includeLinkedAccounts": "",
                "dataSources": "",
                "fieldIndexNames": "",
                "logGroupTags": "",
            },
            "GetQueryResults": {"maxItems": "", "nextToken": ""},
            "PutResourcePolicy": {"expectedRevisionId": ""},
            "DeleteResourcePolicy": {"expectedRevisionId": ""},
        }
    )
    unvalidated_members: ClassVar[frozenset[str]] = frozenset({"MetricNamespace"})

    def __init__(self, cloud: CloudContext) -> None:
        store = cloud.store
        filters = LogFilters(store)
        self._live = LiveEvents()
        self._deliveries = FilterDeliveries(cloud, filters)
        self._retention = Retention(cloud)
        self._writer = EventWriter(store, self._deliveries, self._live)
        super().__init__(
            cloud,
            LogGroupOperations(cloud, filters, self._retention),
            LogStreamOperations(cloud),
            LogEventOperations(store, self._writer),
            LogTagOperations(store),
            MetricFilterOperations(store, filters),
            SubscriptionFilterOperations(cloud, filters),
            ResourcePolicyOperations(store),
            QueryDefinitionOperations(store),
            QueryOperations(cloud),
            LiveTailOperations(cloud.settings.account, store, self._live),
        )

    async def start(self) -> None:
        """Start the deliveries to filters, and the deletion of expired events."""
        self._deliveries.start()
        self._retention.start()

    def drain(self) -> None:
        """End all live tails."""
        self._live.close()

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise `ServiceError` for parameters that violate the model; AWS checks the length of names first."""
        if any(len(str(params.get(name, ""))) > NAME_LENGTH for name in ("logGroupName", "logStreamName")):
            raise invalid("Invalid LogGroup or LogStream, both must have length less than or equal to 512.")
        super().validate(params, shape)

    def append(self, group: str, stream: str, events: Iterable[Event]) -> asyncio.Future[None] | None:
        """Queue events for writing without waiting; group and stream are created on first use.

        Returns a future to wait for before appending more, if many of the stream's events are unwritten.
        """
        return self._writer.append(group, stream, events)

    def deliver(self, group: str, stream: str, events: Iterable[Event]) -> None:
        """Queue events of an AWS service's log without waiting; they are dropped if the group does not exist."""
        self._writer.deliver(group, stream, events)
