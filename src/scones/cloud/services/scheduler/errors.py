"""Errors with EventBridge Scheduler's codes and messages."""

from __future__ import annotations

from scones.cloud.errors import ServiceError


def invalid(message: str) -> ServiceError:
    """Return the error for invalid parameters."""
    return ServiceError("ValidationException", message)


def not_found(what: str) -> ServiceError:
    """Return the error for a schedule or a group that does not exist."""
    return ServiceError("ResourceNotFoundException", f"{what} does not exist.", 404)


def conflict(what: str) -> ServiceError:
    """Return the error for a schedule or a group that already exists."""
    return ServiceError("ConflictException", f"{what} already exists.", 409)
