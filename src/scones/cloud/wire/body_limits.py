"""Maximum body size of each operation in bytes, checked before a body is read and parsed."""

from __future__ import annotations

from scones.cloud.errors import ServiceError

MIB = 1 << 20
ESCAPING_FACTOR = 3
"""Factor by which text grows in JSON or in a form: `é`, two bytes, may be sent as `\\u00e9` or as `%C3%A9`."""
DEFAULT = MIB
"""Bytes of a body of all other operations; AWS's documentation states no general limit."""
INVOKE = 7 * MIB
"""Bytes of a function's payload; the service itself checks Lambda's limits, 6 MB and 1 MB."""
ARCHIVE = 70_167_211
"""Bytes of a request with a function's archive: 50 MB in base64, plus 256 KB."""
ENDPOINT = 25 * MIB
"""Bytes of an endpoint's input (SageMaker, InvokeEndpoint)."""
OBJECT = 5 << 30
"""Bytes of an object or a part that one request uploads, as in S3."""

_LIMITS = {
    ("events", "PutEvents"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("sqs", ""): ESCAPING_FACTOR * MIB + DEFAULT,  # SendMessage in the Query protocol: the body names the operation
    ("lambda", "CreateFunction"): ARCHIVE,
    ("lambda", "Invoke"): INVOKE,
    ("lambda", "InvokeAsync"): INVOKE,
    ("lambda", "InvokeWithResponseStream"): INVOKE,
    ("lambda", "PublishLayerVersion"): ARCHIVE,
    ("lambda", "UpdateFunctionCode"): ARCHIVE,
    ("logs", "PutLogEvents"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("s3", "CompleteMultipartUpload"): 4 * MIB,  # 10,000 parts, each with a checksum
    ("s3", "DeleteObjects"): 8 * MIB,  # 1,000 keys of 1,024 bytes, each byte escaped (`&quot;`)
    ("s3", "PutObject"): OBJECT,
    ("s3", "UploadPart"): OBJECT,
    ("sagemaker-runtime", "InvokeEndpoint"): ENDPOINT,
    ("sqs", "SendMessage"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("sqs", "SendMessageBatch"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("stepfunctions", "CreateStateMachine"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("stepfunctions", "TestState"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("stepfunctions", "UpdateStateMachine"): ESCAPING_FACTOR * MIB + DEFAULT,
    ("stepfunctions", "ValidateStateMachineDefinition"): ESCAPING_FACTOR * MIB + DEFAULT,
}


def body_limit(service: str, operation: str) -> int:
    """Return the maximum bytes of a request's body."""
    return _LIMITS.get((service, operation), DEFAULT)


def too_large(service: str, operation: str, limit: int) -> ServiceError:
    """Return the error for a body of more than `limit` bytes; `operation` is "" if it is not known yet."""
    if service == "s3" and limit == OBJECT:
        message = "Your proposed upload exceeds the maximum allowed size"
        return ServiceError("EntityTooLarge", message, MaxSizeAllowed=limit)
    if service == "s3":
        return ServiceError("MaxMessageLengthExceeded", "Your request was too large.", 400, MaxMessageLengthBytes=limit)
    named = {"Invoke": "InvokeFunction"}.get(operation, operation)
    suffix = f" for the {named} operation" if named else ""
    return ServiceError("RequestEntityTooLargeException", f"Request must be smaller than {limit} bytes{suffix}", 413)
