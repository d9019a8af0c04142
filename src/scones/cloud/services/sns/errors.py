"""SNS's errors, with its messages."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(what: str) -> ServiceError:
    """Return the error for an invalid parameter."""
    return ServiceError("InvalidParameter", f"Invalid parameter: {what}")


def no_topic() -> ServiceError:
    """Return the error for a topic that does not exist."""
    return ServiceError("NotFound", "Topic does not exist", 404)


def no_subscription() -> ServiceError:
    """Return the error for a subscription that does not exist."""
    return ServiceError("NotFound", "Subscription does not exist", 404)
