"""JSONPath's queries that may match several values: python-jsonpath (RFC 9535), as Jayway's parser takes them."""

from __future__ import annotations

import re
from functools import lru_cache

import jsonpath

_QUOTED = re.compile(r"""('(?:[^'\\]|\\.?)*+(?:'|\Z)|"(?:[^"\\]|\\.?)*+(?:"|\Z))""", re.DOTALL)
_BARE_WORD = re.compile(r"([=!<>]=|[<>])\s*(?!(?:true|false|null)\b)([A-Za-z_][\w-]*)(?=\s*(?:\)|&&|\|\|))")


@lru_cache(maxsize=1024)
def compile_query(text: str) -> jsonpath.JSONPath | jsonpath.CompoundJSONPath:
    """Compile a query that begins with `$`; raise ValueError where it is none."""
    try:
        return jsonpath.compile(_plain(text))
    except (jsonpath.JSONPathError, RecursionError) as error:
        raise ValueError(f"{text!r} is not a JSONPath: {error}") from error


def _plain(text: str) -> str:
    """Return a path without what AWS's parser (Jayway's) lets pass: `$.a.[0]`, and words without quotes in filters.

    Both are in definitions that AWS's samples deploy.
    """
    parts = _QUOTED.split(text)
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"(?<!\.)\.\[", "[", _BARE_WORD.sub(r"\1'\2'", parts[index]))
    return "".join(parts)
