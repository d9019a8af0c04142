"""Timestamps of the Amazon States Language (RFC 3339), parsed and formatted."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from scones.cloud.core.clock import iso_milliseconds

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)")


def parse_timestamp(text: str) -> datetime | None:
    """Parse an RFC 3339 timestamp; return None if it is invalid. Digits beyond microseconds are dropped."""
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None


def format_timestamp(seconds: float) -> str:
    """Format Unix seconds as in the context object: `2026-11-23T12:00:00.000Z`."""
    return iso_milliseconds(datetime.fromtimestamp(seconds, UTC))
