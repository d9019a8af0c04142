"""Errors in the words of EventBridge."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return the answer for parameters that are not allowed."""
    return ServiceError("ValidationException", message)


def limit_exceeded() -> ServiceError:
    """Return the answer for more rules or targets than the quotas allow."""
    return ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def no_bus(name: str) -> ServiceError:
    """Return the answer for a bus that is not there."""
    return ServiceError("ResourceNotFoundException", f"Event bus {name} does not exist.")


def no_rule(name: str, bus: str) -> ServiceError:
    """Return the answer for a rule that is not there."""
    return ServiceError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")
