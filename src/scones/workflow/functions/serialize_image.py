"""First of the three: reads a picture from S3 into the event, as base64.

Event: {"s3_bucket": …, "s3_key": …}, by itself or as "body"; an empty "image_data", as the course sends, is welcome.
Answer: {"statusCode": 200, "body": {"image_data": base64, "s3_bucket": …, "s3_key": …, "inferences": []}}.

Step Functions carries at most 256 KiB from state to state, so a picture may have 190,000 bytes; one of 32 by 32
pixels has 2,500.
"""

import base64
import functools
import json
from typing import Any

import boto3

MAX_BYTES = 190_000
"""Base64 adds a third, and the rest of the event needs room in 262,144 bytes too."""


class BadEventError(ValueError):
    """The event lacks what the function needs."""


class PictureTooLargeError(ValueError):
    """The picture would not fit into a state machine's state."""


@functools.cache
def s3() -> Any:
    """S3's client, one per sandbox: warm invocations reuse its connections."""
    return boto3.client("s3")


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Answer with the picture at s3_bucket and s3_key in base64; raises one of the errors above, or a ClientError."""
    fields = body(event)
    bucket, key = text(fields, "s3_bucket"), text(fields, "s3_key")
    answer = s3().get_object(Bucket=bucket, Key=key)
    size = answer["ContentLength"]
    if size > MAX_BYTES:
        answer["Body"].close()
        raise PictureTooLargeError(
            f"s3://{bucket}/{key} has {size:,} bytes, and {MAX_BYTES:,} fit into a state: scale it down."
        )
    image = base64.b64encode(answer["Body"].read()).decode("ascii")
    return {"statusCode": 200, "body": {"image_data": image, "s3_bucket": bucket, "s3_key": key, "inferences": []}}


def body(event: Any) -> dict[str, Any]:
    """The event's fields: its "body" if it has one, parsed if that is JSON text, and the event itself otherwise."""
    fields = event.get("body", event) if isinstance(event, dict) else event
    try:
        fields = json.loads(fields) if isinstance(fields, str) else fields
    except ValueError as error:
        raise BadEventError(f"The event's body is no JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise BadEventError(f"The event is a JSON {type(fields).__name__}, and an object is wanted.")
    return fields


def text(fields: dict[str, Any], name: str) -> str:
    """A field of the event that must be a text."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadEventError(f'The event has no {name}: it takes "s3_bucket" and "s3_key", and has {sorted(fields)}.')
    return value
