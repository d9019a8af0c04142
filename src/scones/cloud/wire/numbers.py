"""Numbers and dates that clients send as text, parsed with limits on their length and value.

Python's `int` accepts signs, underscores, whitespace and digits of every script, `str.isdigit` accepts `²`, and dates
overflow. Each function here raises only `ValueError` for values that AWS rejects.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_LENGTH = 64
"""Maximum characters of a number or date."""
BITS = {"integer": 31, "long": 63}
"""Bits of the integer types in AWS's models, without the sign."""

_DIGITS = re.compile(r"[0-9]{1,19}")
_HEX_DIGITS = re.compile(r"[0-9A-Fa-f]{1,16}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def unsigned_integer(text: str, most: int) -> int:
    """Return a number written in ASCII digits, without a sign, from 0 to `most`."""
    if not _DIGITS.fullmatch(text) or (number := int(text)) > most:
        raise ValueError(f"{shorten(text)} is not a number from 0 to {most}")
    return number


def hexadecimal(text: str, most: int) -> int:
    """Return a number written in hexadecimal ASCII digits, without a sign or prefix, from 0 to `most`."""
    if not _HEX_DIGITS.fullmatch(text) or (number := int(text, 16)) > most:
        raise ValueError(f"{shorten(text)} is not a hexadecimal number from 0 to {most:x}")
    return number


def integer(text: str, kind: str = "long") -> int:
    """Return an integer with an optional sign; `kind` is the model's type, `integer` (32 bits) or `long` (64)."""
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{shorten(text)} is not an integer")
    return in_range(int(text), kind)


def in_range(number: int, kind: str) -> int:
    """Return the integer if it is in the range of the model's type."""
    if not -(1 << BITS[kind]) <= number < 1 << BITS[kind]:
        raise ValueError(f"the number is outside the range of {'int' if kind == 'integer' else 'long'}")
    return number


def decimal(text: str) -> float:
    """Return a finite number as a float."""
    if len(text) > MAX_LENGTH or not _DECIMAL.fullmatch(text):
        raise ValueError(f"{shorten(text)} is not a number")
    return finite(float(text))


def finite(number: float) -> float:
    """Return the number as a float if it is neither NaN nor infinite."""
    try:
        number = float(number)
    except OverflowError as error:
        raise ValueError("the number is outside the range of double") from error
    if not math.isfinite(number):
        raise ValueError("the number is not finite")
    return number


def timestamp(value: object) -> datetime:
    """Return a time, in UTC by default, given as seconds since 1970, in ISO 8601, as an HTTP date, or as a time."""
    try:
        return _moment(value)
    except (OverflowError, OSError, TypeError, IndexError) as error:
        raise ValueError(f"{shorten(value)} is not a time between the years 1 and 9999") from error


def _moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        raise ValueError(f"{shorten(value)} is not a time")
    if _DECIMAL.fullmatch(value):
        return datetime.fromtimestamp(decimal(value), UTC)
    found = parsedate_to_datetime(value) if value[:3].isalpha() else datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def shorten(value: object) -> str:
    """Return a shortened value for an error message."""
    text = repr(value) if isinstance(value, str) else str(type(value).__name__)
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
