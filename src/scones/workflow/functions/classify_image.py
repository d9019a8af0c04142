"""The second of the three functions: sends the image to the endpoint.

Event: the body that serialize_image returns, or an event with it as "body". It needs only "image_data", base64.
Result: {"statusCode": 200, "body": {…, "inferences": [probability per class, in the order of the labels]}}. The body
has the event's fields except "image_data": it is not needed further, and a state machine's history stores all data.

Environment: ENDPOINT_NAME.
"""

import base64
import binascii
import functools
import json
import os
from typing import Any

import boto3

JPEG = b"\xff\xd8\xff"


class BadEventError(ValueError):
    """The event lacks a required field, or the field is invalid."""


class MissingSettingError(RuntimeError):
    """The function's environment lacks a required variable."""


class BadInferencesError(ValueError):
    """The endpoint's response is not a list of probabilities."""


@functools.cache
def runtime() -> Any:
    """Return SageMaker Runtime's client, one per execution environment: warm invocations reuse its connections."""
    return boto3.client("sagemaker-runtime")


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Return the event's fields with the endpoint's inferences. Raises an error above or AWS's ClientError."""
    fields = body(event)
    image = image_bytes(fields)
    response = runtime().invoke_endpoint(
        EndpointName=endpoint_name(),
        ContentType="image/jpeg" if image.startswith(JPEG) else "image/png",
        Accept="application/json",
        Body=image,
    )
    kept = {name: value for name, value in fields.items() if name != "image_data"}
    return {"statusCode": 200, "body": {**kept, "inferences": inferences(response["Body"].read())}}


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


def image_bytes(fields: dict[str, Any]) -> bytes:
    """Return the image that the event carries."""
    encoded = fields.get("image_data")
    if not isinstance(encoded, str) or not encoded:
        raise BadEventError(f"The event has no image_data (a base64-encoded image); it has {sorted(fields)}.")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadEventError(f"The event's image_data is not valid base64: {error}.") from error


def endpoint_name() -> str:
    """Return the endpoint's name."""
    name = os.environ.get("ENDPOINT_NAME", "")
    if not name:
        raise MissingSettingError("ENDPOINT_NAME is not set: set it to the name of the endpoint.")
    return name


def inferences(response: bytes) -> list[float]:
    """Return the probabilities in the endpoint's JSON response."""
    try:
        values = json.loads(response)
    except ValueError:
        values = None
    if not isinstance(values, list) or not values or not all(type(value) in (int, float) for value in values):
        raise BadInferencesError(f"The endpoint returned {response[:100]!r}; a list of probabilities was expected.")
    return values
