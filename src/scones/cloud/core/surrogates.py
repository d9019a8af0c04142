r"""Unpaired surrogates: JSON can contain one as an escape (`\ud800`), but UTF-8 and SQLite cannot.

Requests that contain one are rejected (`wire.json_document`). JSON inside a text member, such as an execution's input
or an event's detail, may contain them.
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Matches unpaired surrogates only: in a Python string, a pair is a single character."""


def well_formed(text: str) -> str:
    """Return a text with each unpaired surrogate replaced by "?", as Java does when it encodes UTF-8."""
    return text if text.isascii() else _SURROGATE.sub("?", text)
