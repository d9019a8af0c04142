"""An HTTP response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field


class ResponseAborted(Exception):  # noqa: N818 - an event, not an error
    """Raised by a streamed body that cannot be completed; the gateway then cuts the connection."""


@dataclass(slots=True)
class Response:
    """An HTTP response; a body that is an iterator is streamed."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    unsent_bytes: int = 0
    """Bytes of a large response that count as unsent until the client has received most of it."""
    repeatable_headers: Sequence[tuple[str, str]] = ()
    """Further headers, whose names may occur several times (Set-Cookie)."""
