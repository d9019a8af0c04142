"""The JSON texts of results and variables, checked against the limits of Step Functions."""

from __future__ import annotations

from typing import Any

from scones.cloud.core.text_size import utf8_size
from scones.cloud.services.stepfunctions.asl.failures import data_limit_exceeded, nested_too_deeply
from scones.cloud.services.stepfunctions.asl.text import LIMIT, JsonTexts, dumps, too_deep, too_large

MAX_VARIABLES = 10 * 1024 * 1024
"""AWS's limit: bytes of an execution's variables (Developer Guide, "Passing data between states with variables")."""


def payload_text(texts: JsonTexts, value: Any, name: str) -> str:
    """Return the JSON text of a result; raise `StateFailedError` if it exceeds 256 KiB or is nested too deeply.

    `name` is that of a state or service, or the ARN of a function, for the error message.
    """
    try:
        text = texts.of(value)
    except RecursionError:
        raise nested_too_deeply(name) from None
    if too_large(text):
        raise data_limit_exceeded(name)
    if too_deep(text):
        raise nested_too_deeply(name)
    return text


def variable_texts(assigned: dict[str, Any], sizes: dict[str, int], name: str) -> dict[str, str]:
    """Return the JSON texts of the variables that a state assigns, and add their sizes to `sizes`.

    Raises `StateFailedError` beyond 256 KiB for one Assign or 10 MiB for all variables. AWS's message for this case is
    unknown.
    """
    texts = {variable: payload_text(_COMPACT, value, name) for variable, value in assigned.items()}
    sizes.update({variable: utf8_size(text) for variable, text in texts.items()})
    if sum(sizes[variable] for variable in texts) > LIMIT or sum(sizes.values()) > MAX_VARIABLES:
        raise data_limit_exceeded(name)
    return texts


class ResultSize:
    """The total size of the results of branches or iterations, which form one result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._size = 0

    def add(self, value: Any, size: int) -> Any:
        """Add `size` bytes; return `value`, or None beyond the limit, because the state will fail."""
        self._size += size
        return value if self._size <= LIMIT else None

    def check(self) -> None:
        """Raise `StateFailedError` if the results together exceed the limit of 256 KiB."""
        if self._size > LIMIT:
            raise data_limit_exceeded(self._name)


def payload_size(value: Any) -> int:
    """Return the number of bytes of a value's JSON text."""
    return utf8_size(dumps(value))


_COMPACT = JsonTexts("null")
