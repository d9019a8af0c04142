"""Targets of schedules: functions, queues, topics, state machines, event buses, and universal targets."""

from __future__ import annotations

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import is_arn, service_of
from scones.cloud.delivery.targets import TargetMessage, send, start_execution
from scones.cloud.errors import ServiceError
from scones.cloud.services.scheduler.errors import invalid
from scones.cloud.services.scheduler.universal_targets import (
    PREFIX,
    call_universal_target,
    check_universal_target,
)
from scones.cloud.wire import json_document
from scones.cloud.wire.members import Members

_PARAMETERS = {"lambda": None, "sqs": "SqsParameters", "sns": None, "states": None, "events": "EventBridgeParameters"}
"""Supported services, as a target's ARN names them, with the member that has their parameters."""
_ALL_PARAMETERS = frozenset(
    {
        "EcsParameters",
        "EventBridgeParameters",
        "EventBridgePutEventsV2Parameters",
        "EventBridgePutRawEventsParameters",
        "KinesisParameters",
        "SageMakerPipelineParameters",
        "SqsParameters",
    }
)


def check_target(cloud: CloudContext, target: Members) -> None:
    """Raise `ValidationException` for a target that is malformed or that the local cloud does not support."""
    arn = target["Arn"]
    if not is_arn(arn):
        raise invalid("Provided Arn is not in correct format.")
    if arn.startswith(PREFIX):
        check_universal_target(cloud, target)
        return
    service = service_of(arn)
    if service not in _PARAMETERS:
        raise invalid(
            f"The local cloud supports schedules for {', '.join(_PARAMETERS)} and for universal targets (aws-sdk), but "
            f"not for {arn}."
        )
    if others := sorted((target.keys() & _ALL_PARAMETERS) - {_PARAMETERS[service]}):
        raise invalid(f"{others[0]} cannot be used with target {arn}.")
    if service == "events":
        if "EventBridgeParameters" not in target:
            raise invalid(f"EventBridgeParameters must be specified for target {arn}.")
        if not isinstance(_json(target.get("Input", "{}")), dict):
            raise invalid("The Input of an event bus must be a JSON object.")
    if service == "sqs" and arn.endswith(".fifo") != ("SqsParameters" in target):
        raise invalid("SqsParameters must be specified if and only if the target is a FIFO queue.")
    if service in ("lambda", "states") and _json(target.get("Input", "{}")) is None:
        raise invalid(f"The Input of target {arn} must be JSON.")


async def invoke(cloud: CloudContext, target: Members, text: str, execution_id: str) -> None:
    """Send an input to a target; raises `ServiceError`. The execution id prevents a second start of an execution."""
    arn = target["Arn"]
    if arn.startswith(PREFIX):
        await call_universal_target(cloud, arn, text)
        return
    match service_of(arn):
        case "states":
            await start_execution(cloud, arn, text, execution_id)
        case "events":
            parameters = target["EventBridgeParameters"]
            await _put_event(cloud, {**parameters, "Detail": text, "EventBusName": arn})
        case _:
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            await send(cloud, arn, TargetMessage(text=text, group=group))


async def _put_event(cloud: CloudContext, entry: Members) -> None:
    response = await cloud.call("events", "PutEvents", {"Entries": [entry]})
    if response["FailedEntryCount"]:
        failure = response["Entries"][0]
        raise ServiceError(failure["ErrorCode"], failure["ErrorMessage"])


def _json(text: str) -> object:
    try:
        return json_document.load_text(text)
    except ValueError:
        return None
