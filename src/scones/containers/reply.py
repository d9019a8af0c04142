"""The reply type that worker and server share, without the worker's imports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to a request."""

    status: int
    content_type: str
    body: bytes
