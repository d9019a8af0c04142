"""Regular expressions that users hand over, matched by RE2 in linear time and in bounded memory."""

from __future__ import annotations

import re2

MEMORY = 1 << 20
"""Bytes that a compiled expression may take, its automaton included."""
STEPS = 20_000_000
"""Bound of the product of an expression's size (instructions) and the bytes searched: about 40 ms at worst.

An expression of 30 instructions searches 650 KB; lines are shorter than that.
"""


class ExpressionError(ValueError):
    """An expression that RE2 does not compile; the text says why."""


class Expression:
    """A compiled expression. RE2 has no lookahead, no lookbehind and no backreferences."""

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MEMORY
        try:
            self._compiled = re2.compile(text.encode(errors="replace"), options)
        except re2.error as error:
            raise ExpressionError(error.args[0].decode(errors="replace")) from error
        self._longest = STEPS // max(1, self._compiled.programsize)

    def found_in(self, text: str) -> bool:
        """Return True if the expression matches somewhere in the beginning of a text that it may search."""
        return self._search(text) is not None

    def group(self, text: str) -> str | None:
        """Return the first group of the first match, or None without a match or a group."""
        found = self._search(text)
        if found is None or not self._compiled.groups or found[1] is None:
            return None
        return str(found[1].decode(errors="replace"))

    def _search(self, text: str) -> re2._Match | None:
        return self._compiled.search(text[: self._longest].encode(errors="replace")[: self._longest])
