"""The last of the three functions: the confidence gate. It passes a confident prediction and fails on any other.

Event: the body that classify_image returns, or an event with it as "body". Required: "inferences", a list of numbers.
Result: {"statusCode": 200, "body": {…}} with the event's fields, unchanged.

Environment: THRESHOLD, a number from 0 to 1, by default .93.
"""

import json
import os
from typing import Any

DEFAULT_THRESHOLD = 0.93


class BadEventError(ValueError):
    """The event lacks a required field, or the field is invalid."""


class BadSettingError(ValueError):
    """A variable of the function's environment is invalid."""


class ThresholdConfidenceNotMet(Exception):  # noqa: N818 - state machines catch it by this name
    """The highest confidence is below the threshold: the image needs human review."""


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Return the event if its highest inference reaches the threshold. Raises ThresholdConfidenceNotMet if not."""
    fields = body(event)
    confidence, least = max(inferences(fields)), threshold()
    if not confidence >= least:  # NaN must not pass
        raise ThresholdConfidenceNotMet(
            f"{fields.get('s3_key', 'The image')} has confidence {confidence:.4f}, below the threshold {least}."
        )
    return {"statusCode": 200, "body": fields}


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


def inferences(fields: dict[str, Any]) -> list[float]:
    """Return the probabilities that the event carries."""
    values = fields.get("inferences")
    if not isinstance(values, list) or not values or not all(type(value) in (int, float) for value in values):
        raise BadEventError(f"The event's inferences are {values!r}; a list with one number per class was expected.")
    return values


def threshold() -> float:
    """Return the lowest confidence that passes."""
    given = os.environ.get("THRESHOLD", "") or DEFAULT_THRESHOLD
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadSettingError(f"THRESHOLD is {given!r}; it must be a number from 0 to 1.")
    return value
