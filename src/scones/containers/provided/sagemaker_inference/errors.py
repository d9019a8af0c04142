"""Errors with which a handler chooses what the server answers."""

from __future__ import annotations

from scones.containers.codec import UnsupportedFormatError

__all__ = ["BaseInferenceToolkitError", "GenericInferenceToolkitError", "UnsupportedFormatError"]


class BaseInferenceToolkitError(Exception):
    """A failure with the HTTP status of its answer, a message, and the status line's phrase."""

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        super().__init__(status_code, message, phrase)
        self.status_code = status_code
        self.message = message
        self.phrase = phrase


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    """Any failure; without a message it is an invalid request."""

    def __init__(self, status_code: int, message: str | None = None, phrase: str | None = None) -> None:
        message = message or "Invalid Request"
        super().__init__(status_code, message, phrase or message)
