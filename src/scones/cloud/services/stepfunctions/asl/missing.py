"""The result of a path or a reference that finds no value."""

from __future__ import annotations

from typing import Any

MISSING: Any = object()  # Any: functions that return JSON values may return it instead
"""Result if there is no value; None is a value, JSON's null."""
