"""The texts of results, held to the limits of Step Functions before anything is done with them."""

from __future__ import annotations

from typing import Any

from scones.cloud.services.states.language.failures import data_limit_exceeded, nested_too_deeply
from scones.cloud.services.states.language.text import LIMIT, Texts, dumps, too_deep, too_large

MAX_VARIABLES = 10 * 1024 * 1024
"""Bytes that all variables of an execution may have (Developer Guide, "Passing data between states with variables")."""


def payload_text(texts: Texts, value: Any, name: str) -> str:
    """Return a result's JSON text; raise `StateFailedError` where it has more than 256 KiB or is nested too deeply.

    `name` is a state, a service or a function's ARN.
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
    """Return the texts of variables that a state assigns, and put their sizes with those of the others.

    One Assign may have 256 KiB, all variables 10 MiB. What AWS says where there is more is not known to us.
    """
    texts = {variable: payload_text(_COMPACT, value, name) for variable, value in assigned.items()}
    sizes.update({variable: len(text) for variable, text in texts.items()})
    if sum(sizes[variable] for variable in texts) > LIMIT or sum(sizes.values()) > MAX_VARIABLES:
        raise data_limit_exceeded(name)
    return texts


class ResultSize:
    """Sums up the results of branches or iterations, which together make one result."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._size = 0

    def keep(self, value: Any, size: int) -> Any:
        """Return a result, or None once there are too many to keep: the state will fail."""
        self._size += size
        return value if self._size <= LIMIT else None

    def check(self) -> None:
        """Raise `StateFailedError` where the results together have more than 256 KiB."""
        if self._size > LIMIT:
            raise data_limit_exceeded(self._name)


def length(value: Any) -> int:
    """Return the characters of a value's JSON."""
    return len(dumps(value))


_COMPACT = Texts("null")
