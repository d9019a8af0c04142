"""The CloudWatch service."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from scones.cloud.context import CloudContext
from scones.cloud.service import Service
from scones.cloud.services.cloudwatch.data import MetricDataOperations
from scones.cloud.services.cloudwatch.metrics import MetricOperations
from scones.cloud.services.cloudwatch.samples import SCHEMA, insert_samples
from scones.cloud.services.cloudwatch.statistics import StatisticsOperations


class CloudWatch(Service):
    """The CloudWatch API for metrics; values do not expire, and other services write with `append`."""

    name: ClassVar[str] = "cloudwatch"
    signing_name: ClassVar[str] = "monitoring"
    groups = (MetricDataOperations, StatisticsOperations, MetricOperations)
    schema: ClassVar[str] = SCHEMA

    def __init__(self, cloud: CloudContext) -> None:
        super().__init__(
            cloud,
            MetricDataOperations(cloud.store),
            StatisticsOperations(cloud.store),
            MetricOperations(cloud.store),
        )

    def append(self, namespace: str, name: str, dimensions: dict[str, str], values: Iterable[float]) -> None:
        """Queue values measured now for writing, without waiting."""
        now = time.time()
        samples = [(now, "None", value, 1.0) for value in values]
        self.cloud.store.submit(lambda connection: insert_samples(connection, namespace, name, dimensions, samples))
