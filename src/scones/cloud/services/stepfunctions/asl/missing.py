"""The result of a path or a reference that finds no value."""

from __future__ import annotations

from typing import Any

MISSING: Any = object()  # Any: functions that return JSON values may return it instead
"""The result of a path or a reference without a value. It differs from None, which is the value null of JSON."""
