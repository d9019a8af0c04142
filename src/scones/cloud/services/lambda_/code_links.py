"""Addresses from which any HTTP client may fetch a function's archive for a while, as AWS's presigned URLs are."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

from scones.cloud.cloud import Cloud
from scones.cloud.errors import ServiceError
from scones.cloud.services.lambda_.code import CodeStore

PREFIX = "/_lambda-code/"
"""What the path of such an address begins with; the archive's digest follows."""
SECONDS = 600
"""How long an address holds (GetFunction: "a presigned URL that's valid for 10 minutes")."""


class CodeLinks:
    """Makes addresses of archives, and answers them."""

    def __init__(self, cloud: Cloud, code: CodeStore) -> None:
        self._cloud = cloud
        self._code = code

    def location(self, digest: str) -> str:
        """Return an address of an archive."""
        expires = str(int(time.time()) + SECONDS)
        return f"{self._cloud.url}{PREFIX}{digest}?Expires={expires}&Signature={self._signature(digest, expires)}"

    async def read(self, path: str, query: Mapping[str, Sequence[str]]) -> bytes:
        """Return the archive behind an address; raises `AccessDenied` where it does not hold, as S3 does."""
        digest = path.removeprefix(PREFIX)
        expires, signature = query.get("Expires", [""])[0], query.get("Signature", [""])[0]
        if not hmac.compare_digest(signature.encode(), self._signature(digest, expires).encode()):
            raise ServiceError("AccessDenied", "Access Denied", 403)
        if int(expires) < time.time():
            raise ServiceError("AccessDenied", "Request has expired", 403)
        archive = self._code.archive(digest)
        if not archive.exists():  # of a function that was deleted, and gone since the cloud's last start
            raise ServiceError("NoSuchKey", "The specified key does not exist.", 404)
        return await asyncio.to_thread(archive.read_bytes)

    def _signature(self, digest: str, expires: str) -> str:
        text = f"GET\n{PREFIX}{digest}\n{expires}"
        return hmac.new(self._cloud.credentials.secret_access_key.encode(), text.encode(), hashlib.sha256).hexdigest()
