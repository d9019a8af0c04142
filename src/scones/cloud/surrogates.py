r"""Unpaired surrogates: JSON can carry one as an escape (`\ud800`), but UTF-8 and SQLite cannot.

Requests with one are refused (`wire.json_document`); JSON within a text, such as an execution's input or an event's
detail, may have them.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")
"""A Python text has no pairs: two halves of one are a single character."""


def well_formed(text: str) -> str:
    """Return a text with each unpaired surrogate replaced by "?", as Java writes it in UTF-8."""
    return text if text.isascii() else _SURROGATE.sub("?", text)
