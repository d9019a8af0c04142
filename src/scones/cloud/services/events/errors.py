"""Errors with EventBridge's codes and messages."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return the error for invalid parameters."""
    return ServiceError("ValidationException", message)


def limit_exceeded() -> ServiceError:
    """Return the error for more rules or targets than the quotas allow."""
    return ServiceError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")


def no_bus(name: str) -> ServiceError:
    """Return the error for a bus that does not exist."""
    return ServiceError("ResourceNotFoundException", f"Event bus {name} does not exist.")


def no_rule(name: str, bus: str) -> ServiceError:
    """Return the error for a rule that does not exist."""
    return ServiceError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus}.")
