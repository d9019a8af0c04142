"""Token authentication of the local cloud's model servers: a request without the server's token is rejected.

Any process of the machine, and any web page, can connect to a server's port. The cloud therefore passes a random token
to each server in its environment, and sends it with each request. AWS has no such token: there a container has its own
network.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable

VARIABLE = "SCONES_SERVER_TOKEN"
HEADER = b"x-scones-token"


def has_token(headers: Iterable[tuple[bytes, bytes]], token: str) -> bool:
    """Return True if a request's headers (names in lower case) contain the token, or if the token is empty."""
    if not token:
        return True
    given = next((value for name, value in headers if name == HEADER), b"")
    return hmac.compare_digest(given, token.encode())


def server_token() -> str:
    """Return this server's token, or "" if it has none."""
    return os.environ.get(VARIABLE, "")
