"""ASGI's types: the messages between a server and its application."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
"""A message or a scope; the type of a value depends on its key."""
Headers = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""
