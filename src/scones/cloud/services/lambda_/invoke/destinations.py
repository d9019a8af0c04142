"""Destinations and dead-letter queues, which receive the results of asynchronous invocations."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from scones.cloud.context import CloudContext
from scones.cloud.core.arns import Arn, last_part, service_of
from scones.cloud.core.clock import iso_milliseconds
from scones.cloud.core.json_types import Json, JsonObject
from scones.cloud.core.surrogates import well_formed
from scones.cloud.delivery.outbox import Outbox
from scones.cloud.delivery.targets import TargetMessage, check_ready, send, text_attributes
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.runtime.execution_environment import InvocationResult
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

TABLE = "function_results"
DEAD_LETTER_SERVICES = frozenset({"sqs", "sns"})
SUCCESS_SERVICES = frozenset({"lambda", "sqs", "sns", "events"})
FAILURE_SERVICES = SUCCESS_SERVICES | {"s3"}
SUCCESS, EXHAUSTED, TOO_OLD, NO_CONCURRENCY = (
    "Success",
    "RetriesExhausted",
    "EventAgeExceeded",
    "ZeroReservedConcurrency",
)
"""Reasons why an event's processing ended, as AWS names them."""
MESSAGE_LIMIT = 1024
"""Maximum characters of an error message in a dead letter."""


class RequestContext(TypedDict):
    """The `requestContext` of an invocation record."""

    requestId: str
    functionArn: str
    condition: str
    approximateInvokeCount: int


class ResultMessage(TypedDict):
    """The message to a target: an invocation record, or a dead letter with message attributes."""

    text: str
    attributes: NotRequired[dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsyncInvocationResult:
    """The result of an event's processing."""

    request_id: str
    function_arn: str
    version: str
    condition: str
    attempts: int
    payload: bytes
    invocation_result: InvocationResult | None
    """Outcome of the last invocation; None if the function was never invoked."""

    def document(self) -> str:
        """Return the invocation record for a destination as JSON, as the Lambda Developer Guide shows it.

        Payloads are inserted as text, not parsed: Lambda accepts JSON that is nested too deeply for Python's parser.
        """
        request_context: RequestContext = {
            "requestId": self.request_id,
            "functionArn": self.function_arn,
            "condition": self.condition,
            "approximateInvokeCount": self.attempts,
        }
        envelope = {
            "version": "1.0",
            "timestamp": iso_milliseconds(datetime.now(UTC)),
            "requestContext": request_context,
        }
        members = {name: json.dumps(value, ensure_ascii=False) for name, value in envelope.items()}
        members["requestPayload"] = _as_json(self.payload)
        if self.invocation_result is not None:
            context: JsonObject = {"statusCode": 200, "executedVersion": self.version}
            if self.invocation_result.function_error:
                context["functionError"] = self.invocation_result.function_error
            members["responseContext"] = json.dumps(context)
            members["responsePayload"] = _as_json(self.invocation_result.payload)
        return "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"

    def attributes(self) -> dict[str, str]:
        """Return the message attributes of a dead letter."""
        error = _parsed(self.invocation_result.payload) if self.invocation_result else None
        message = error.get("errorMessage", "") if isinstance(error, dict) else ""
        return {
            "RequestID": self.request_id,
            "ErrorCode": "200" if self.invocation_result else "429",
            "ErrorMessage": str(message or self.condition)[:MESSAGE_LIMIT],
        }


class Destinations:
    """Delivers results. A result is stored when an event's processing ends, and delivered then or after a restart."""

    def __init__(self, cloud: CloudContext) -> None:
        self._cloud = cloud
        self._outbox = Outbox(cloud, TABLE, self._deliver, self._failed)

    def start(self) -> None:
        """Resume the deliveries that an earlier process did not finish."""
        self._outbox.start()

    async def finish_event(
        self, event_id: int | None, result: AsyncInvocationResult, config: Members, dead_letter_arn: str
    ) -> None:
        """Delete an accepted event, and store its result for the targets that the function's configuration names."""
        found = self._deliveries(result, config, dead_letter_arn)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM accepted_events WHERE id = ?", (event_id,))
            for arn, payload in found.items():
                self._outbox.put(connection, [arn], payload)

        await self._cloud.store.write(write)
        self._outbox.wake(found)

    def _deliveries(
        self, result: AsyncInvocationResult, config: Members, dead_letter_arn: str
    ) -> dict[str, ResultMessage]:
        succeeded = result.condition == SUCCESS
        chosen = config.get("DestinationConfig", {}).get("OnSuccess" if succeeded else "OnFailure", {})
        found: dict[str, ResultMessage] = {}
        if dead_letter_arn and not succeeded:
            found[dead_letter_arn] = {"text": result.payload.decode(), "attributes": result.attributes()}
        if arn := chosen.get("Destination"):
            found[arn] = {"text": well_formed(result.document())}
        return found

    async def _deliver(self, arn: str, payload: ResultMessage) -> None:
        service = service_of(arn)
        check_ready(self._cloud, service)
        if service == "events":
            await self._put_event(arn, payload["text"])
        elif service == "s3":
            await self._put_object(arn, payload["text"])
        else:
            attributes = text_attributes(payload.get("attributes", {}))
            if "ErrorCode" in attributes:
                attributes["ErrorCode"]["DataType"] = "Number"
            await send(self._cloud, arn, TargetMessage(text=payload["text"], attributes=attributes))

    async def _put_event(self, bus: str, text: str) -> None:
        context = _request_context(text)
        kind = "Success" if context["condition"] == SUCCESS else "Failure"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {kind}",
            "Resources": [context["functionArn"], bus],
            "Detail": text,
            "EventBusName": bus,
        }
        response = await self._cloud.call("events", "PutEvents", {"Entries": [entry]})
        if response["FailedEntryCount"]:
            failure = response["Entries"][0]
            raise ServiceError(failure["ErrorCode"], failure["ErrorMessage"])

    async def _put_object(self, bucket: str, text: str) -> None:
        name = Arn.parse(_request_context(text)["functionArn"]).resource_name
        now = time.gmtime()
        day, moment = time.strftime("%Y/%m/%d", now), time.strftime("%Y-%m-%dT%H.%M.%S", now)
        params = {
            "Bucket": last_part(bucket),
            "Key": f"aws/lambda/async/{name}/{day}/{moment}-{uuid.uuid4()}",
            "Body": text.encode(),
        }
        await self._cloud.call("s3", "PutObject", params)

    async def _failed(self, arn: str, payload: ResultMessage, error: ServiceError) -> None:  # noqa: ARG002
        log.warning("The result of an event could not be delivered to %s: %s", arn, error)


def check_target(cloud: CloudContext, arn: str, services: frozenset[str], member: str) -> None:
    """Raise `InvalidParameterValueException` for an ARN that cannot receive results."""
    service = service_of(arn)
    if service not in services or (service in DEAD_LETTER_SERVICES and arn.endswith(".fifo")):
        message = (
            f"The {member} {arn} must be the ARN of one of: {', '.join(sorted(services))}; FIFO "
            "resources are not allowed."
        )
    elif not cloud.has_service(service):
        message = f"The local cloud does not support {service}, which {member} {arn} refers to."
    else:
        return
    raise ServiceError("InvalidParameterValueException", message, Type="User")


def _request_context(document: str) -> RequestContext:
    """Return the first object in an invocation record."""
    context: RequestContext
    context, _ = json.JSONDecoder().raw_decode(document, document.index("{", 1))
    return context


def _as_json(payload: bytes) -> str:
    """Return a payload's text if it is JSON; otherwise convert the text to a JSON string."""
    text = payload.decode("utf-8-sig", "replace")
    try:
        json.loads(text)
    except json.JSONDecodeError:
        return json.dumps(text, ensure_ascii=False)
    except (ValueError, RecursionError):  # too many digits or too deep for Python's parser, but not for AWS's
        return text
    return text


def _parsed(payload: bytes) -> Json:
    try:
        found: Json = json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")
    return found
