"""Conversion between arrays and request or response bodies."""

from __future__ import annotations

from scones.containers.frameworks.codec import decode, encode

__all__ = ["decode", "encode"]
