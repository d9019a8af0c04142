"""The 18 intrinsic functions of the Amazon States Language, on plain JSON values."""

from __future__ import annotations

import base64
import hashlib
import math
import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scones.cloud.services.stepfunctions.asl.text import dumps, loads

MAX_STRING = 10_000
"""Maximum number of characters that Hash, Base64Encode and Base64Decode accept."""
MAX_ARRAY = 1_000
"""Maximum number of items that ArrayRange returns."""


FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError)
"""Exceptions that a function raises if it fails."""


@dataclass(frozen=True, slots=True)
class IntrinsicFunction:
    """An intrinsic function and its minimum and maximum number of arguments; `most` is None if there is no maximum."""

    run: Callable[..., Any]
    least: int
    most: int | None

    def accepts(self, count: int) -> bool:
        """Return True if the function accepts `count` arguments."""
        return count >= self.least and (self.most is None or count <= self.most)

    def describe(self) -> str:
        """Return the number of arguments in words."""
        if self.most is None:
            return f"at least {self.least}"
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, but got {dumps(value)}")
    return value


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"expected an array, but got {dumps(value)}")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, but got {dumps(value)}")
    return value


def _integer(value: Any) -> int:
    """Round as AWS does: half up, so that 1.5 is 2 and -1.5 is -1."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, but got {dumps(value)}")
    return value if isinstance(value, int) else math.floor(value + 0.5)


def _limited(value: Any) -> str:
    text = _string(value)
    if len(text) > MAX_STRING:
        raise ValueError(f"the string has {len(text)} characters; the maximum is {MAX_STRING}")
    return text


def _java_text(value: Any) -> str:
    """Return a value in the form of Java's toString, which States.Format inserts."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_java_text(item) for item in value) + "]"
    return dumps(value)


def format_(template: Any, *values: Any) -> str:
    """Replace each `{}` in a template with the next value; a backslash makes a brace or a backslash literal."""
    remaining = iter(values)

    def fill(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        try:
            return _java_text(next(remaining))
        except StopIteration:
            raise ValueError("there are fewer arguments than {} in the template") from None

    text = re.sub(r"\\([{}\\])|\{\}", fill, _string(template))
    if next(remaining, values) is not values:
        raise ValueError("there are more arguments than {} in the template")
    return text


def string_to_json(text: Any) -> Any:
    """Parse a JSON text; blank text is null, as on AWS."""
    return loads(text) if _string(text).strip() else None


def json_to_string(value: Any) -> str:
    """Write a value as compact JSON."""
    return dumps(value)


def array(*values: Any) -> list[Any]:
    """Return the arguments as an array."""
    return list(values)


def array_partition(values: Any, size: Any) -> list[Any]:
    """Split an array into chunks of `size` items."""
    items, count = _array(values), _integer(size)
    if count <= 0:
        raise ValueError("the chunk size must be positive")
    return [items[start : start + count] for start in range(0, len(items), count)]


def array_contains(values: Any, searched: Any) -> bool:
    """Return True if an array contains the value; `true` and 1 are different values."""
    text = dumps(searched)
    return any(item == searched and dumps(item) == text for item in _array(values))


def array_range(first: Any, last: Any, step: Any) -> list[int]:
    """Return the integers from `first` to `last`, both inclusive, in increments of `step`."""
    begin, end, by = _integer(first), _integer(last), _integer(step)
    if by == 0:
        raise ValueError("the increment must not be zero")
    numbers = range(begin, end + (1 if by > 0 else -1), by)
    if len(numbers) > MAX_ARRAY:
        raise ValueError(f"the range has {len(numbers)} items; the maximum is {MAX_ARRAY}")
    return list(numbers)


def array_get_item(values: Any, index: Any) -> Any:
    """Return the item at an index, counted from 0."""
    items, at = _array(values), _integer(index)
    if not 0 <= at < len(items):
        raise LookupError(f"the index {at} is out of bounds for an array of {len(items)} items")
    return items[at]


def array_length(values: Any) -> int:
    """Return the number of items in an array."""
    return len(_array(values))


def array_unique(values: Any) -> list[Any]:
    """Remove duplicate items; the first of each is kept."""
    return list({dumps(item): item for item in reversed(_array(values))}.values())[::-1]


def base64_encode(text: Any) -> str:
    """Encode a string's UTF-8 as Base64."""
    return base64.b64encode(_limited(text).encode()).decode()


def base64_decode(text: Any) -> str:
    """Decode Base64 to a string."""
    try:
        return base64.b64decode(_limited(text), validate=True).decode()
    except ValueError as error:
        raise ValueError("the string is not valid Base64 of UTF-8 text") from error


_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def hash_(value: Any, algorithm: Any) -> str:
    """Return the hexadecimal digest of a string, or of a value's compact JSON."""
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"{dumps(algorithm)} is not one of {', '.join(_ALGORITHMS)}")
    text = value if isinstance(value, str) else dumps(value)
    return hashlib.new(_ALGORITHMS[algorithm], _limited(text).encode(), usedforsecurity=False).hexdigest()


def json_merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    """Merge two objects; the fields of the second override. `deep` must be false: there is only shallow merging."""
    if deep is not False:
        raise ValueError("only shallow merging is supported: the third argument must be false")
    return {**_object(first), **_object(second)}


def math_random(first: Any, last: Any, seed: Any = None) -> int:
    """Return a random integer from `first` (inclusive) to `last` (exclusive), the same one for the same seed."""
    begin, end = _integer(first), _integer(last)
    if begin >= end:
        raise ValueError("the first number must be less than the second")
    source = random.Random(_integer(seed)) if seed is not None else random.SystemRandom()
    return source.randrange(begin, end)


def math_add(first: Any, second: Any) -> int:
    """Add two numbers, each rounded to an integer first."""
    return _integer(first) + _integer(second)


def string_split(text: Any, delimiters: Any) -> list[str]:
    """Split a string at every character of `delimiters`; empty parts are dropped."""
    separators = _string(delimiters)
    source = _string(text)
    if not separators:
        return [source]
    return [piece for piece in re.split(f"[{re.escape(separators)}]", source) if piece]


def uuid_() -> str:
    """Return a random version 4 UUID."""
    return str(uuid.uuid4())


FUNCTIONS: dict[str, IntrinsicFunction] = {
    "States.Format": IntrinsicFunction(format_, 1, None),
    "States.StringToJson": IntrinsicFunction(string_to_json, 1, 1),
    "States.JsonToString": IntrinsicFunction(json_to_string, 1, 1),
    "States.Array": IntrinsicFunction(array, 0, None),
    "States.ArrayPartition": IntrinsicFunction(array_partition, 2, 2),
    "States.ArrayContains": IntrinsicFunction(array_contains, 2, 2),
    "States.ArrayRange": IntrinsicFunction(array_range, 3, 3),
    "States.ArrayGetItem": IntrinsicFunction(array_get_item, 2, 2),
    "States.ArrayLength": IntrinsicFunction(array_length, 1, 1),
    "States.ArrayUnique": IntrinsicFunction(array_unique, 1, 1),
    "States.Base64Encode": IntrinsicFunction(base64_encode, 1, 1),
    "States.Base64Decode": IntrinsicFunction(base64_decode, 1, 1),
    "States.Hash": IntrinsicFunction(hash_, 2, 2),
    "States.JsonMerge": IntrinsicFunction(json_merge, 3, 3),
    "States.MathRandom": IntrinsicFunction(math_random, 2, 3),
    "States.MathAdd": IntrinsicFunction(math_add, 2, 2),
    "States.StringSplit": IntrinsicFunction(string_split, 2, 2),
    "States.UUID": IntrinsicFunction(uuid_, 0, 0),
}
