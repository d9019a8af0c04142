"""Timestamps of requests."""

from __future__ import annotations

from datetime import datetime


def to_seconds(timestamp: datetime | float) -> float:
    """Return a timestamp in seconds since 1970."""
    return timestamp.timestamp() if isinstance(timestamp, datetime) else float(timestamp)
