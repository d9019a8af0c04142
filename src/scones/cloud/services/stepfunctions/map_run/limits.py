"""The limits of a Map Run."""

from __future__ import annotations

from dataclasses import dataclass

from scones.cloud.services.stepfunctions.asl.definition import Map
from scones.cloud.services.stepfunctions.asl.map_numbers import percentage, whole_number
from scones.cloud.services.stepfunctions.asl.paths import EvaluationScope
from scones.cloud.services.stepfunctions.execution.fanout import concurrency

DEFAULT_CONCURRENCY = 40
"""Concurrent child executions if MaxConcurrency is 0. AWS runs 10,000; here they share one computer."""


@dataclass(slots=True)
class MapRunLimits:
    """MaxConcurrency (0: `DEFAULT_CONCURRENCY`) and the tolerated failures of a Map Run; None if not set."""

    concurrency: int
    count: int | None
    percentage: float | None

    def exceeded(self, failed: int, total: int) -> bool:
        """Return True if `failed` of `total` items are more than the Map Run tolerates."""
        if self.count is None and self.percentage is None:
            return failed > 0
        beyond_share = self.percentage is not None and failed * 100 > self.percentage * total
        return beyond_share or (self.count is not None and failed > self.count)


async def limits_of(state: Map, scope: EvaluationScope) -> MapRunLimits:
    """Evaluate and return the limits of a distributed Map."""
    assert state.distribution is not None
    count, share = state.distribution.tolerated_count, state.distribution.tolerated_percentage
    return MapRunLimits(
        await concurrency(state.max_concurrency, scope),
        await whole_number("ToleratedFailureCount", count, scope),
        await percentage("ToleratedFailurePercentage", share, scope),
    )
