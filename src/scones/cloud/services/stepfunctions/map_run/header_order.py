"""The order of the members of a CSV row on AWS: that of a Java HashMap, which agrees with all recordings."""

from __future__ import annotations

from collections.abc import Sequence

_CAPACITY, _LOAD = 16, 0.75
"""Initial number of buckets of a HashMap, and the load above which it doubles their number."""


def header_order(headers: Sequence[str]) -> list[int]:
    """Return the columns of a row in the order of its members."""
    capacity = _CAPACITY
    while len(headers) > _LOAD * capacity:
        capacity *= 2
    return sorted(range(len(headers)), key=lambda column: _spread_hash(headers[column]) % capacity)


def _spread_hash(text: str) -> int:
    """Return Java's hash of a string, mixed as HashMap does."""
    units = text.encode("utf-16-le", "surrogatepass")
    value = 0
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value ^ value >> 16
