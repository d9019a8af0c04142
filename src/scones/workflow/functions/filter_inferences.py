"""Last of the three: lets a confident answer pass and fails loudly on any other.

Event: the body that classify_image answers, by itself or as "body"; only "inferences", a list of numbers, is needed.
Answer: {"statusCode": 200, "body": {…}}, the event's fields as they came.

Environment: THRESHOLD, a number from 0 to 1, .93 by default.
"""

import json
import os
from typing import Any

DEFAULT_THRESHOLD = 0.93


class BadEventError(ValueError):
    """The event lacks what the function needs."""


class BadSettingError(ValueError):
    """A variable of the function's environment makes no sense."""


class ThresholdConfidenceNotMet(Exception):  # noqa: N818 - the name by which state machines catch it
    """No class is likely enough: a person should look at the picture."""


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Answer with the event if its highest inference reaches the threshold; raises ThresholdConfidenceNotMet if not."""
    fields = body(event)
    confidence, least = max(inferences(fields)), threshold()
    if not confidence >= least:  # so that a NaN does not pass
        raise ThresholdConfidenceNotMet(
            f"{fields.get('s3_key', 'The picture')} has confidence {confidence:.4f}, below {least}."
        )
    return {"statusCode": 200, "body": fields}


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


def inferences(fields: dict[str, Any]) -> list[float]:
    """The probabilities that the event carries."""
    values = fields.get("inferences")
    if not isinstance(values, list) or not values or not all(type(value) in (int, float) for value in values):
        raise BadEventError(f"The event's inferences are {values!r}: it takes a list of one number per class.")
    return values


def threshold() -> float:
    """The least confidence that passes."""
    told = os.environ.get("THRESHOLD", "") or DEFAULT_THRESHOLD
    try:
        value = float(told)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadSettingError(f"THRESHOLD is {told!r}: it takes a number from 0 to 1.")
    return value
