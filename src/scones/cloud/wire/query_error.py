"""Error codes of services that used the Query protocol before (`awsQueryCompatible` in their models).

Their clients receive both codes: the shape's name in the body, and the older one in a header. CloudWatch's model has
the older codes. SQS's model does not; these are from the SQS API Reference, "Common errors" and the errors of each
action.
"""

from __future__ import annotations

from botocore.model import ServiceModel, StructureShape

HEADER = "x-amzn-query-error"

_SQS_CODES = {
    "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
    "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
    "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
}


_SQS_MESSAGES = {
    "AWS.SimpleQueueService.NonExistentQueue": "The specified queue does not exist for this wsdl version.",
}
"""Messages that differ in the Query protocol, by code."""


def query_message(code: str, message: str) -> str:
    """Return an error's message in the Query protocol."""
    return _SQS_MESSAGES.get(code, message)


def query_code(code: str, shape: StructureShape | None = None) -> str:
    """Return an error's code in the Query protocol; `shape` is the error's shape, if the model has one."""
    modelled = shape.metadata.get("error", {}).get("code") if shape else None
    return modelled or _SQS_CODES.get(code, code)


def query_error(service: ServiceModel, code: str, shape: StructureShape | None, status: int) -> dict[str, str]:
    """Return the header with an error's older code, if the service is compatible with Query clients."""
    if "awsQueryCompatible" not in service.metadata:
        return {}
    return {HEADER: f"{query_code(code, shape)};{'Sender' if status < 500 else 'Receiver'}"}
