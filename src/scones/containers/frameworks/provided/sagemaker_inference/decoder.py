"""Conversion of request bodies to arrays."""

from __future__ import annotations

from scones.containers.frameworks.codec import decode

__all__ = ["decode"]
