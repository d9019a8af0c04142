"""Error codes of services that used the Query protocol before (`awsQueryCompatible` in their models).

Their clients receive both codes: the shape's name in the body, and the older one in a header. botocore's model no
longer contains the older ones; these are from the SQS and CloudWatch API references, "Common errors" and the errors of
each action.
"""

from __future__ import annotations

from botocore.model import ServiceModel

HEADER = "x-amzn-query-error"

_QUERY_CODES = {
    "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
    "BatchRequestTooLong": "AWS.SimpleQueueService.BatchRequestTooLong",
    "EmptyBatchRequest": "AWS.SimpleQueueService.EmptyBatchRequest",
    "InternalServiceFault": "InternalServiceError",
    "InvalidParameterCombinationException": "InvalidParameterCombination",
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
    "InvalidBatchEntryId": "AWS.SimpleQueueService.InvalidBatchEntryId",
    "MessageNotInflight": "AWS.SimpleQueueService.MessageNotInflight",
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
    "TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
    "UnsupportedOperation": "AWS.SimpleQueueService.UnsupportedOperation",
}


def query_code(code: str) -> str:
    """Return an error's code in the Query protocol, which older SDKs expect."""
    return _QUERY_CODES.get(code, code)


def query_error(service: ServiceModel, code: str, status: int) -> dict[str, str]:
    """Return the header with an error's older code, if the service is compatible with Query clients."""
    if "awsQueryCompatible" not in service.metadata:
        return {}
    return {HEADER: f"{query_code(code)};{'Sender' if status < 500 else 'Receiver'}"}
