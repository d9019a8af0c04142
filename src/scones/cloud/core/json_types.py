"""The types of decoded JSON documents."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""A decoded JSON value."""
JsonObject: TypeAlias = dict[str, Json]
"""A decoded JSON object."""
