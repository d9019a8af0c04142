"""Content types of inference requests."""

from __future__ import annotations

from scones.containers.frameworks.codec import ANY, CSV, JSON, NPY, NPZ

OCTET_STREAM = "application/octet-stream"
UTF8_TYPES = [JSON, CSV]

__all__ = ["ANY", "CSV", "JSON", "NPY", "NPZ", "OCTET_STREAM", "UTF8_TYPES"]
