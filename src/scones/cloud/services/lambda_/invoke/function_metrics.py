"""Metrics of invocations: Lambda Developer Guide, "Types of metrics for Lambda functions"."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

from scones.cloud.core.service_metrics import Dimensions, ServiceMetrics
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.functions.names import FunctionName
from scones.cloud.services.lambda_.runtime.execution_environment import InvocationResult

NAMESPACE = "AWS/Lambda"


class FunctionMetrics:
    """Publishes Invocations, Errors, Throttles, Duration and ConcurrentExecutions."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        self._metrics = metrics
        self._running: Counter[str] = Counter()

    @contextmanager
    def throttles(self, function: FunctionName) -> Iterator[None]:
        """Count an invocation that is refused with `TooManyRequestsException`."""
        try:
            yield
        except ServiceError as error:
            if error.code == "TooManyRequestsException":
                self._add(_dimensions(function), "Throttles", 1.0)
            raise

    async def measured(self, function: FunctionName, work: Awaitable[InvocationResult]) -> InvocationResult:
        """Await an invocation and publish its metrics; an invocation that fails to run counts as an error."""
        dimensions = _dimensions(function)
        self._running[function.name] += 1
        self._metrics.add(NAMESPACE, "ConcurrentExecutions", (), self._running.total())
        self._metrics.add(NAMESPACE, "ConcurrentExecutions", dimensions[1], self._running[function.name])
        begun, failed = time.perf_counter(), True
        try:
            result = await work
            failed = result.function_error is not None
            return result
        finally:
            self._running[function.name] -= 1
            if not self._running[function.name]:
                del self._running[function.name]
            milliseconds = round((time.perf_counter() - begun) * 1000, 2)
            for name, value in (("Invocations", 1.0), ("Errors", float(failed)), ("Throttles", 0.0)):
                self._add(dimensions, name, value)
            self._add(dimensions, "Duration", milliseconds, unit="Milliseconds")

    def _add(self, dimensions: tuple[Dimensions, ...], name: str, value: float, *, unit: str = "Count") -> None:
        for each in dimensions:
            self._metrics.add(NAMESPACE, name, each, value, unit=unit)


def _dimensions(function: FunctionName) -> tuple[Dimensions, ...]:
    """Return the dimensions of a function's metrics: all functions, the function, and its version or alias."""
    named = ("FunctionName", function.name)
    resource = function.name if function.qualifier is None else f"{function.name}:{function.qualifier}"
    return (), (named,), (named, ("Resource", resource))
