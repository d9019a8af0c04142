"""The types of decoded JSON documents."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A decoded JSON value."""
JsonObject: TypeAlias = dict[str, Json]
"""A decoded JSON object."""
JsonDocument: TypeAlias = dict[str, Any]
"""A JSON object in a form that AWS or this program defines, such as an event or a policy.

The code takes its members without checking their types, so that they are `Any`. Use `Json` for input that is checked.
"""
