"""Optimized integrations except that of Lambda, with their names for services and errors, and HTTP metadata."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import formatdate
from typing import Any

from botocore.model import Shape, StructureShape

from scones.cloud.context import CloudContext
from scones.cloud.errors import ServiceError
from scones.cloud.services.stepfunctions.asl.failures import StateFailedError
from scones.cloud.services.stepfunctions.asl.text import dumps
from scones.cloud.services.stepfunctions.integrations.calls import call
from scones.cloud.services.stepfunctions.integrations.conversion import milliseconds, to_state_json
from scones.cloud.services.stepfunctions.integrations.naming import java_exception
from scones.cloud.wire.model import operation_model
from scones.cloud.wire.query_error import query_code
from scones.cloud.wire.scalar_text import epoch
from scones.cloud.wire.serialize import serialize


@dataclass(frozen=True, slots=True)
class ServiceNames:
    """Names of a service: botocore's, the prefix of error names, and the name in causes."""

    service: str
    prefix: str
    cause_name: str


VENDORS = {
    "events": ServiceNames("events", "EventBridge", "AmazonEventBridge"),
    "sagemaker": ServiceNames("sagemaker", "SageMaker", "AmazonSageMaker"),
    "sns": ServiceNames("sns", "SNS", "AmazonSNS"),
    "sqs": ServiceNames("sqs", "SQS", "AmazonSQS"),
    "states": ServiceNames("stepfunctions", "StepFunctions", "AWSStepFunctions"),
}


class OptimizedIntegration:
    """An operation of one of `VENDORS`."""

    def __init__(self, vendor: ServiceNames, operation: str) -> None:
        self.vendor = vendor
        self.operation = operation

    async def call(self, cloud: CloudContext, parameters: Any) -> Any:
        """Return the response with its HTTP metadata; raise `StateFailedError` with AWS's error name and cause."""
        try:
            reply = await call(cloud, self.vendor.service, self.operation, parameters)
        except ServiceError as error:
            raise self._failure(error) from error
        model = operation_model(self.vendor.service, self.operation)
        result = to_state_json(reply, model.output_shape, milliseconds)
        request = str(uuid.uuid4())
        response = serialize(model, reply, request)
        assert isinstance(response.body, bytes)
        headers = {
            "x-amzn-RequestId": request,
            "connection": "keep-alive",
            "Content-Length": str(len(response.body) + _growth(reply, model.output_shape)),
            "Date": formatdate(usegmt=True),
            "Content-Type": response.headers["content-type"],
        }
        result["SdkHttpMetadata"] = {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": dict(sorted(headers.items(), key=lambda header: header[0].lower())),
            "HttpStatusCode": response.status,
        }
        result["SdkResponseMetadata"] = {"RequestId": request}
        return result

    def _failure(self, error: ServiceError) -> StateFailedError:
        vendor = self.vendor
        exception = java_exception(vendor.service, error.code) or f"{vendor.cause_name}Exception"
        cause = (
            f"{error.message} (Service: {vendor.cause_name}; Status Code: {error.status}; "
            f"Error Code: {query_code(error.code)}; Request ID: {uuid.uuid4()}; Proxy: null)"
        )
        return StateFailedError(f"{vendor.prefix}.{exception}", cause)


def _growth(reply: Mapping[str, Any], shape: Shape | None) -> int:
    """Return by how many bytes a body is longer on AWS, which writes times as Java does: 1.7E9, not 1700000000.0."""
    if not isinstance(shape, StructureShape):
        return 0
    names = [name for name, member in shape.members.items() if member.type_name == "timestamp" and name in reply]
    times = [repr(epoch(reply[name])) for name in names]
    return sum(len(f"{Decimal(time).normalize():E}".replace("+", "")) - len(time) for time in times)


class PutEvents(OptimizedIntegration):
    """EventBridge's PutEvents; a failed entry fails the task, and the result has no HTTP metadata."""

    def __init__(self) -> None:
        super().__init__(VENDORS["events"], "PutEvents")

    async def call(self, cloud: CloudContext, parameters: Any) -> Any:
        """Return the response; raise `StateFailedError` (EventBridge.FailedEntry) if any entry failed."""
        result = await super().call(cloud, parameters)
        for member in ("SdkHttpMetadata", "SdkResponseMetadata"):
            del result[member]
        if result["FailedEntryCount"]:
            raise StateFailedError("EventBridge.FailedEntry", dumps(result))
        return result


def with_origin(parameters: dict[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of PutEvents whose entries also name the state machine and the execution, as on AWS."""
    entries = parameters.get("Entries")
    if not isinstance(entries, list):
        return parameters
    origin = [context[about]["Id"] for about in ("StateMachine", "Execution") if "Id" in context.get(about, {})]
    named = [
        entry | {"Resources": [*(entry.get("Resources") or []), *origin]} if isinstance(entry, dict) else entry
        for entry in entries
    ]
    return parameters | {"Entries": named}
