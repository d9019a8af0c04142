"""The token of a model server of ours on the local cloud: without it, a request is not answered.

Every process of the machine can connect to a server's port, and so can a web page. The cloud gives each server a random
token in its environment and sends it with every request. On AWS there is none, and the container's network is its own.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable

VARIABLE = "SCONES_SERVER_TOKEN"
HEADER = b"x-scones-token"


def accepted(headers: Iterable[tuple[bytes, bytes]], token: str) -> bool:
    """Return True if a request's headers, with names in lower case, have the token, or if there is none to have."""
    if not token:
        return True
    given = next((value for name, value in headers if name == HEADER), b"")
    return hmac.compare_digest(given, token.encode())


def own() -> str:
    """Return this server's token, "" where it has none."""
    return os.environ.get(VARIABLE, "")
