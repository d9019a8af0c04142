"""Exceptions of handlers."""

from __future__ import annotations

from scones.containers.frameworks.codec import UnsupportedFormatError

__all__ = ["ClientError", "UnsupportedFormatError"]


class ClientError(Exception):
    """An error in a user's request or script, not in the framework."""
