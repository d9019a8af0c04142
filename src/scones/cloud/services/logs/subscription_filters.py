"""Operations on subscription filters, which pass the events that match their pattern to a function."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, is_arn
from scones.cloud.core.clock import now_ms
from scones.cloud.delivery.targets import check_ready
from scones.cloud.errors import ServiceError
from scones.cloud.service import OperationCall
from scones.cloud.services.logs.errors import invalid, limit_exceeded
from scones.cloud.services.logs.filter_patterns import parse_filter_pattern
from scones.cloud.services.logs.group_names import require_group
from scones.cloud.services.logs.log_filters import LogFilter, LogFilters
from scones.cloud.services.logs.page_tokens import list_page
from scones.cloud.wire.members import Members

MAX_FILTERS = 2
"""Maximum number of subscription filters per group: API reference, "PutSubscriptionFilter"."""
_STREAMS = ("kinesis", "firehose", "logs")


class SubscriptionFilterOperations:
    """Operations that store, list and delete subscription filters."""

    def __init__(self, cloud: CloudContext, filters: LogFilters) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._filters = filters

    async def put_subscription_filter(self, call: OperationCall) -> Members:
        """Create or replace a filter whose destination is a function."""
        params = call.params
        group, name, arn = params["logGroupName"], params["filterName"], params["destinationArn"]
        await self._check_destination(arn, params)
        require_group(self._store, group)
        parse_filter_pattern(params["filterPattern"])
        known = self._filters.of_group("subscription", group)
        if len(known) >= MAX_FILTERS and name not in (each.name for each in known):
            raise limit_exceeded()
        document: Members = {
            "filterName": name,
            "logGroupName": group,
            "filterPattern": params["filterPattern"],
            "destinationArn": arn,
            "roleArn": params.get("roleArn"),
            "distribution": params.get("distribution", "ByLogStream"),
            "applyOnTransformedLogs": params.get("applyOnTransformedLogs", False),
            "creationTime": now_ms(),
        }
        await self._filters.put(LogFilter("subscription", group, name, document))
        return {}

    async def describe_subscription_filters(self, call: OperationCall) -> Members:
        """List the filters of a group by name."""
        group = call.params["logGroupName"]
        require_group(self._store, group)
        found = self._filters.of_group("subscription", group, call.params.get("filterNamePrefix", ""))
        return list_page("subscriptionFilters", [each.document for each in found], call.params)

    async def delete_subscription_filter(self, call: OperationCall) -> Members:
        """Delete a filter; raises `ServiceError` (ResourceNotFoundException)."""
        group, name = call.params["logGroupName"], call.params["filterName"]
        require_group(self._store, group)
        if not await self._filters.delete("subscription", group, name):
            raise ServiceError("ResourceNotFoundException", "The specified subscription filter does not exist.")
        return {}

    async def _check_destination(self, arn: str, params: Members) -> None:
        """Raise `ServiceError` unless the destination is a function that exists."""
        if not is_arn(arn):
            raise invalid("destinationArn is not a valid ARN")
        service = Arn.parse(arn).service
        if service in _STREAMS:
            if "roleArn" not in params and service != "logs":
                raise invalid(f"destinationArn for vendor {service} cannot be used without roleArn")
            raise ServiceError(
                "NotImplemented",
                f"The local cloud supports functions as destinations of subscription filters, but not {service}; AWS"
                " does.",
                501,
            )
        if service != "lambda":
            raise invalid(f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {service}")
        check_ready(self._cloud, "lambda")
        try:
            await self._cloud.call("lambda", "GetFunction", {"FunctionName": arn})
        except ServiceError as error:
            raise ServiceError(
                "AccessDeniedException",
                "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to create"
                " cross account lambda triggers.",
            ) from error
