"""Conversion of arrays to response bodies."""

from __future__ import annotations

from scones.containers.frameworks.codec import CSV, JSON, NPY, encode

SUPPORTED_CONTENT_TYPES = {NPY, CSV, JSON}

__all__ = ["SUPPORTED_CONTENT_TYPES", "encode"]
