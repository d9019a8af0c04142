"""The log group in a machine's logging configuration, the checks that AWS makes, and its event in the group."""

from __future__ import annotations

from typing import Any

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, service_of
from scones.cloud.core.clock import now_ms
from scones.cloud.errors import ServiceError
from scones.cloud.services.logs.service import Logs

_STREAM = "log_stream_created_by_aws_to_validate_log_delivery_subscriptions"
_MESSAGE = (
    "Permissions are set correctly to allow AWS CloudWatch Logs to write into your logs while creating a subscription."
)


async def check_logging(cloud: CloudContext, configuration: dict[str, Any] | None) -> None:
    """Raise InvalidLoggingConfiguration unless the configuration is off or names exactly one existing log group.

    The first check of a log group writes AWS's event to it, in a stream for such checks.
    """
    if configuration is None or configuration.get("level", "OFF") == "OFF":
        return
    destinations = configuration.get("destinations", [])
    if len(destinations) != 1:
        raise _invalid("Must specify exactly one Log Destination.")
    _check_arn(destinations[0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn"))
    name = log_group(configuration)
    found = await cloud.call("logs", "DescribeLogGroups", {"logGroupNamePrefix": name}) if name else {}
    if name not in [group["logGroupName"] for group in found.get("logGroups", [])]:
        raise _invalid("Log Destination not found.")
    try:
        await cloud.call("logs", "CreateLogStream", {"logGroupName": name, "logStreamName": _STREAM})
    except ServiceError:  # the group has the event
        return
    cloud.service(Logs).deliver(name, _STREAM, [(now_ms(), _MESSAGE)])


def _check_arn(arn: str | None) -> None:
    """Reject what is not the ARN of a log group, in words measured on AWS (badmintoncryer/cdk-preflight)."""
    if not arn:
        raise _invalid("Must set valid CloudWatch Log Group ARN.")
    if service_of(arn) != "logs" or not Arn.parse(arn).resource.startswith("log-group:"):
        raise _invalid("Provided ARN is not CloudWatch Logs Log Group ARN.")
    if not arn.endswith(":*"):
        raise _invalid("Log Group ARN must be provided with '*' qualifier.")


def log_group(configuration: dict[str, Any]) -> str:
    """Return the name of the log group in a configuration's only destination; empty if it names none."""
    arn: str = configuration["destinations"][0].get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "")
    return arn.removesuffix(":*").rpartition(":log-group:")[2]


def _invalid(reason: str) -> ServiceError:
    return ServiceError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {reason}")
