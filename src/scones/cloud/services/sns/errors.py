"""SNS's errors, with its messages."""

from __future__ import annotations

import json

from scones.cloud.core import jackson
from scones.cloud.errors import ServiceError

_ARN_PARTS = 6
_REDACTED = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"


def invalid(what: str) -> ServiceError:
    """Return the error for an invalid parameter."""
    return ServiceError("InvalidParameter", f"Invalid parameter: {what}")


def check_arn(arn: str, parameter: str) -> None:
    """Raise `InvalidParameter` if a parameter's value has too few parts for an ARN."""
    parts = len(arn.split(":"))
    if parts < _ARN_PARTS:
        raise invalid(f"{parameter} Reason: An ARN must have at least {_ARN_PARTS} elements, not {parts}")


def malformed_token() -> ServiceError:
    """Return the error for a confirmation token of another form."""
    return ServiceError("InvalidParameter", "Invalid token")


def no_topic() -> ServiceError:
    """Return the error for a topic that does not exist."""
    return ServiceError("NotFound", "Topic does not exist", 404)


def no_subscription() -> ServiceError:
    """Return the error for a subscription that does not exist."""
    return ServiceError("NotFound", "Subscription does not exist", 404)


def check_json(text: str, where: str) -> None:
    """Raise `InvalidParameter` with AWS's description of a JSON syntax error; `where` begins the message."""
    try:
        json.loads(text, parse_constant=jackson.refuse_constant)
    except json.JSONDecodeError as error:
        found = jackson.convert_error(text, error)
        column = found.column - found.message.startswith("Unexpected character")  # the location is the character's own
        location = f"{_REDACTED}; line: {found.line}, column: {column}]"
        raise invalid(f"{where}failed to parse JSON. {found.message}\n at {location}") from error
    except (ValueError, RecursionError) as error:
        raise invalid(f"{where}failed to parse JSON.") from error
