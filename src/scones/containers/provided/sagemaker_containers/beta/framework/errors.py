"""Errors of handlers."""

from __future__ import annotations

from scones.containers.codec import UnsupportedFormatError

__all__ = ["ClientError", "UnsupportedFormatError"]


class ClientError(Exception):
    """The user's fault, not the framework's."""
