"""Operations on metric filters, which put metrics for the events that match their pattern."""

from __future__ import annotations

import re

from scones.cloud.core.clock import now_ms
from scones.cloud.core.store import Store
from scones.cloud.core.time_slices import TimeSlices
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import invalid, limit_exceeded
from scones.cloud.services.logs.filter_patterns import parse_filter_pattern
from scones.cloud.services.logs.group_names import require_group
from scones.cloud.services.logs.log_filters import LogFilter, LogFilters
from scones.cloud.services.logs.page_tokens import list_page
from scones.cloud.wire.members import Members

MAX_FILTERS = 100
"""Maximum number of metric filters per group: API reference, "PutMetricFilter"."""

_NAMESPACE = re.compile(r"[^*$]{0,255}")


class MetricFilterOperations:
    """Operations that store, list, delete and test metric filters."""

    def __init__(self, store: Store, filters: LogFilters) -> None:
        self._store = store
        self._filters = filters

    async def put_metric_filter(self, call: OperationCall) -> Members:
        """Create or replace a filter; it acts on the events that are written from now on."""
        params = call.params
        group, name = params["logGroupName"], params["filterName"]
        require_group(self._store, group)
        parse_filter_pattern(params["filterPattern"])
        for each in params["metricTransformations"]:
            _check_namespace(each["metricNamespace"])
            if each.get("dimensions") and "defaultValue" in each:
                raise invalid("Invalid metric transformation: dimensions and default value are mutually exclusive.")
        known = self._filters.of_group("metric", group)
        if len(known) >= MAX_FILTERS and name not in (each.name for each in known):
            raise limit_exceeded()
        document: Members = {
            "filterName": name,
            "filterPattern": params["filterPattern"],
            "metricTransformations": params["metricTransformations"],
            "creationTime": now_ms(),
            "logGroupName": group,
            "applyOnTransformedLogs": params.get("applyOnTransformedLogs", False),
        }
        await self._filters.put(LogFilter("metric", group, name, document))
        return {}

    async def describe_metric_filters(self, call: OperationCall) -> Members:
        """List filters of a group or of all groups, by name prefix or by metric."""
        params = call.params
        group, prefix = params.get("logGroupName"), params.get("filterNamePrefix", "")
        metric, namespace = params.get("metricName"), params.get("metricNamespace")
        if (metric is None) != (namespace is None):
            raise invalid("Either both or none of metricName and metricNamespace must be specified.")
        if group is None:
            found = [each for each in self._filters.all("metric") if each.name.startswith(prefix)]
        else:
            require_group(self._store, group)
            found = self._filters.of_group("metric", group, prefix)
        documents = [
            each.document
            for each in found
            if metric is None
            or any(
                (made["metricName"], made["metricNamespace"]) == (metric, namespace)
                for made in each.document["metricTransformations"]
            )
        ]
        return list_page("metricFilters", documents, params)

    async def delete_metric_filter(self, call: OperationCall) -> Members:
        """Delete a filter; raises `ServiceError` (ResourceNotFoundException)."""
        group, name = call.params["logGroupName"], call.params["filterName"]
        require_group(self._store, group)
        if not await self._filters.delete("metric", group, name):
            raise ServiceError("ResourceNotFoundException", "The specified metric filter does not exist.")
        return {}

    async def test_metric_filter(self, call: OperationCall) -> Members:
        """Return the lines that match a pattern, with the values that the pattern names."""
        pattern = parse_filter_pattern(call.params["filterPattern"])
        matches = []
        async with TimeSlices() as slices:
            for number, line in enumerate(call.params["logEventMessages"], 1):
                if await pattern.matches(line, slices):
                    extracted = pattern.extracted(line)
                    matches.append({"eventNumber": number, "eventMessage": line, "extractedValues": extracted})
        return {"matches": matches}


def _check_namespace(namespace: str) -> None:
    """Raise `ServiceError` for an invalid namespace; AWS accepts colons, although its model does not."""
    if not _NAMESPACE.fullmatch(namespace):
        raise invalid(
            f"1 validation error detected: Value '{namespace}' at 'metricTransformations.1.member.metricNamespace'"
            " failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*$]*"
        )
