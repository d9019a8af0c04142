"""Arrays from requests."""

from __future__ import annotations

from scones.containers.codec import decode

__all__ = ["decode"]
