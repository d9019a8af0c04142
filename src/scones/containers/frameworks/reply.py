"""The reply type of worker and server, in a module without the worker's imports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """The response to a request."""

    status: int
    content_type: str
    body: bytes
