"""The exception that services raise to answer with an AWS error, and the one of a cloud that cannot run."""

from __future__ import annotations

from typing import Any


class CloudError(Exception):
    """The local cloud could not be started or stopped; the message says what to do."""


class ServiceError(Exception):
    """An AWS error on its way to the client.

    `code` is AWS's own (`NoSuchBucket`, `ValidationException`); `status` is the HTTP status where the service
    model does not state one; further keywords are the modelled members of the error (`OriginalStatusCode=500`).
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
