"""Regular expressions from users, matched by RE2 in linear time and bounded memory."""

from __future__ import annotations

import re2

MAX_MEMORY = 1 << 20
"""Maximum size in bytes of a compiled expression, including its automaton."""
MAX_STEPS = 20_000_000
"""Maximum product of an expression's size (instructions) and the number of searched bytes: about 40 ms at worst.

An expression of 30 instructions can search 650 KB; lines are shorter than that.
"""


class RegularExpressionError(ValueError):
    """RE2 cannot compile the expression; the message gives the reason."""


class RegularExpression:
    """A compiled expression. RE2 supports neither lookahead, lookbehind nor backreferences."""

    def __init__(self, text: str) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MAX_MEMORY
        try:
            self._compiled = re2.compile(text.encode(errors="replace"), options)
        except re2.error as error:
            raise RegularExpressionError(error.args[0].decode(errors="replace")) from error
        self._longest = MAX_STEPS // max(1, self._compiled.programsize)

    def matches_in(self, text: str) -> bool:
        """Return True if the expression matches in the beginning of a text, whose length `MAX_STEPS` limits."""
        return self._search(text) is not None

    def group(self, text: str) -> str | None:
        """Return the first group of the first match, or None if there is no match or no group."""
        found = self._search(text)
        if found is None or not self._compiled.groups or found[1] is None:
            return None
        return str(found[1].decode(errors="replace"))

    def _search(self, text: str) -> re2._Match | None:
        return self._compiled.search(text[: self._longest].encode(errors="replace")[: self._longest])
