"""An answer, as a worker hands it to its server, which imports nothing of what the worker needs to make it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with."""

    status: int
    content_type: str
    body: bytes
