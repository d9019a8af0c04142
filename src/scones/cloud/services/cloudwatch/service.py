"""The CloudWatch service."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

from botocore.model import StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.errors import ServiceError
from scones.cloud.service import Service
from scones.cloud.services.cloudwatch import alarm_records, alarm_states, dashboards, samples
from scones.cloud.services.cloudwatch.alarm_records import AlarmRecords
from scones.cloud.services.cloudwatch.alarm_states import AlarmStates
from scones.cloud.services.cloudwatch.alarm_watch import AlarmWatch
from scones.cloud.services.cloudwatch.alarms import AlarmOperations
from scones.cloud.services.cloudwatch.dashboards import DashboardOperations
from scones.cloud.services.cloudwatch.data import MetricDataOperations
from scones.cloud.services.cloudwatch.metric_data import GetMetricDataOperations
from scones.cloud.services.cloudwatch.metrics import MetricOperations
from scones.cloud.services.cloudwatch.samples import insert_samples
from scones.cloud.services.cloudwatch.service_metric_writer import ServiceMetricWriter
from scones.cloud.services.cloudwatch.statistics import StatisticsOperations
from scones.cloud.services.cloudwatch.tags import AlarmTagOperations
from scones.cloud.wire.members import Members

_STATES = ("[OK, ALARM, INSUFFICIENT_DATA]", "[INSUFFICIENT_DATA, ALARM, OK]")
"""The states in the order of the model, and in that of AWS's messages."""


class CloudWatch(Service):
    """The CloudWatch API for metrics and alarms.

    Other services write with `append`, or add to `CloudContext.metrics` what AWS publishes in the namespaces AWS/….
    """

    name: ClassVar[str] = "cloudwatch"
    signing_name: ClassVar[str] = "monitoring"
    groups = (
        MetricDataOperations,
        StatisticsOperations,
        GetMetricDataOperations,
        MetricOperations,
        AlarmOperations,
        AlarmTagOperations,
        DashboardOperations,
    )
    schema: ClassVar[str] = ";".join(
        (samples.SCHEMA, alarm_records.SCHEMA, dashboards.SCHEMA, Outbox.schema(alarm_states.TABLE))
    )
    refused_parameters: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType(
        {
            "DescribeAlarms": {"ChildrenOfAlarmName": "", "ParentsOfAlarmName": ""},
            "DescribeAlarmHistory": {"AlarmContributorId": ""},
            "GetMetricData": {"LabelOptions": ""},
            "ListMetrics": {"RecentlyActive": "", "IncludeLinkedAccounts": "", "OwningAccount": ""},
        }
    )

    def __init__(self, cloud: CloudContext) -> None:
        records = AlarmRecords(cloud.store)
        self._states = AlarmStates(cloud)
        self._watch = AlarmWatch(cloud, records, self._states)
        self._writer = ServiceMetricWriter(cloud)
        super().__init__(
            cloud,
            MetricDataOperations(cloud.store),
            StatisticsOperations(cloud.store),
            GetMetricDataOperations(cloud.store),
            MetricOperations(cloud.store),
            AlarmOperations(cloud, records, self._states, self._watch),
            AlarmTagOperations(records),
            DashboardOperations(cloud),
        )

    def validate(self, params: Members, shape: StructureShape) -> None:
        """Raise `ServiceError` for parameters that violate the model; AWS lists states in its own order."""
        try:
            super().validate(params, shape)
        except ServiceError as error:
            raise ServiceError(error.code, error.message.replace(*_STATES), error.status) from error

    async def start(self) -> None:
        """Start to store metrics and to evaluate alarms, and plan the actions that an earlier process left."""
        self._writer.start()
        self._states.start()
        self._watch.start()

    async def stop(self) -> None:
        """Store the metrics that services have published."""
        await self._writer.flush()

    def append(self, namespace: str, name: str, dimensions: dict[str, str], values: Iterable[float]) -> None:
        """Queue values measured now for writing, without waiting."""
        now = time.time()
        samples_now = [(now, "None", value, 1.0) for value in values]
        self.cloud.store.submit(lambda connection: insert_samples(connection, namespace, name, dimensions, samples_now))
