"""First stage: the check of a request's Host and Origin."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from scones.cloud.errors import ServiceError
from scones.cloud.wire.request import Request


def check_origin(request: Request, port: int, *, allow_foreign: bool = False) -> None:
    """Reject requests that another site's web page could send: a foreign Host (DNS rebinding) or a foreign Origin.

    Raises `ServiceError` (403). Allowed hosts are loopback names and names below localhost (S3's buckets). With
    `allow_foreign`, only the Host is checked.
    """
    host = request.headers.get("host", "")
    if not _is_own_origin(f"//{host}", port):
        raise ServiceError("AccessDenied", f"The Host header {host!r} does not belong to this local cloud.", 403)
    origin = request.headers.get("origin")
    if origin is not None and not allow_foreign and not _is_own_origin(origin, port):
        raise ServiceError("AccessDenied", f"Requests from the web origin {origin!r} are rejected.", 403)


@lru_cache(64)
def _is_own_origin(url: str, port: int) -> bool:
    try:
        split = urlsplit(url)
        name, given = split.hostname or "", split.port
    except ValueError:
        return False
    # Clients put a prefix before the host of some operations; no public name has this form.
    name = re.sub("^(sync|streaming)-", "", name)
    return given == port and (name in ("127.0.0.1", "localhost", "::1") or name.endswith(".localhost"))
