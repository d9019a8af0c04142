"""ASGI's types: the messages between a server and its application, and the functions that pass them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
"""A connection's scope; the type of a value depends on its key."""
Message = MutableMapping[str, Any]
"""A message; the type of a value depends on its key."""
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
"""Names in lower case, and values."""
