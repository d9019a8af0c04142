"""Exceptions by which a handler chooses the server's response."""

from __future__ import annotations

from scones.containers.frameworks.codec import UnsupportedFormatError

__all__ = ["BaseInferenceToolkitError", "GenericInferenceToolkitError", "UnsupportedFormatError"]


class BaseInferenceToolkitError(Exception):
    """A failure with the response's HTTP status, a message, and the reason phrase of the status line."""

    def __init__(self, status_code: int, message: str, phrase: str) -> None:
        super().__init__(status_code, message, phrase)
        self.status_code = status_code
        self.message = message
        self.phrase = phrase


class GenericInferenceToolkitError(BaseInferenceToolkitError):
    """Any failure; the default message is "Invalid Request"."""

    def __init__(self, status_code: int, message: str | None = None, phrase: str | None = None) -> None:
        message = message or "Invalid Request"
        super().__init__(status_code, message, phrase or message)
