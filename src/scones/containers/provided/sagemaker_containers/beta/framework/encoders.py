"""Arrays from requests and into answers."""

from __future__ import annotations

from scones.containers.codec import decode, encode

__all__ = ["decode", "encode"]
