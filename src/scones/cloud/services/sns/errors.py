"""Errors in the words of SNS."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(what: str) -> ServiceError:
    """Return the answer for a parameter that is not allowed."""
    return ServiceError("InvalidParameter", f"Invalid parameter: {what}")


def no_topic() -> ServiceError:
    """Return the answer for a topic that is not there."""
    return ServiceError("NotFound", "Topic does not exist", 404)


def no_subscription() -> ServiceError:
    """Return the answer for a subscription that is not there."""
    return ServiceError("NotFound", "Subscription does not exist", 404)
