"""The first of the three functions: reads an image from S3 into the event, as base64.

Event: {"s3_bucket": …, "s3_key": …}, or these fields in "body". The course also sends an empty "image_data".
Result: {"statusCode": 200, "body": {"image_data": base64, "s3_bucket": …, "s3_key": …, "inferences": []}}.

Step Functions passes at most 256 KiB between states, so an image may have at most 190,000 bytes. An image of 32 by 32
pixels has about 2,500.
"""

import base64
import functools
import json
from typing import Any

import boto3

MAX_BYTES = 190_000
"""Maximum bytes of an image: base64 adds a third, and the rest of the event must also fit into 262,144 bytes."""


class BadEventError(ValueError):
    """The event lacks a required field, or the field is invalid."""


class ImageTooLargeError(ValueError):
    """The image exceeds the state machine's payload limit."""


@functools.cache
def s3() -> Any:
    """Return the client for S3, one per execution environment: warm invocations reuse its connections."""
    return boto3.client("s3")


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Return the image at s3_bucket and s3_key in base64. Raises one of the errors above, or AWS's ClientError."""
    fields = body(event)
    bucket, key = text(fields, "s3_bucket"), text(fields, "s3_key")
    response = s3().get_object(Bucket=bucket, Key=key)
    size = response["ContentLength"]
    if size > MAX_BYTES:
        response["Body"].close()
        raise ImageTooLargeError(
            f"s3://{bucket}/{key} has {size:,} bytes, but a state can hold at most {MAX_BYTES:,}: scale the image down."
        )
    image = base64.b64encode(response["Body"].read()).decode("ascii")
    return {"statusCode": 200, "body": {"image_data": image, "s3_bucket": bucket, "s3_key": key, "inferences": []}}


def body(event: object) -> dict[str, Any]:
    """Return the event's fields: those of "body" if present, parsed if it is JSON text, or else those of the event."""
    fields = event.get("body", event) if isinstance(event, dict) else event
    try:
        fields = json.loads(fields) if isinstance(fields, str) else fields
    except ValueError as error:
        raise BadEventError(f"The event's body is not valid JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise BadEventError(f"The event is a JSON {type(fields).__name__}; an object was expected.")
    return fields


def text(fields: dict[str, Any], name: str) -> str:
    """Return a field of the event that must be a non-empty string."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadEventError(f'The event has no {name}: "s3_bucket" and "s3_key" are required; it has {sorted(fields)}.')
    return value
