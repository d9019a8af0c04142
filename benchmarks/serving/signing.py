"""AWS Signature Version 4 for many requests: signs as botocore does, but derives the day's key only once."""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import lru_cache


@lru_cache(maxsize=8)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign(
    path: str, host: str, body: bytes, content_type: str, keys: tuple[str, str], region: str, service: str = "sagemaker"
) -> bytes:
    """Return a signed POST, ready to send. `path` must already be encoded for the service."""
    access_key, secret = keys
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    digest = hashlib.sha256(body).hexdigest()
    names = "content-type;host;x-amz-content-sha256;x-amz-date"
    headers = f"content-type:{content_type}\nhost:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{moment}\n"
    canonical = f"POST\n{path}\n\n{headers}\n{names}\n{digest}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_key(secret, moment[:8], region, service), to_sign.encode(), "sha256").hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    head = f"POST {path} HTTP/1.1\r\n{headers.replace(chr(10), chr(13) + chr(10))}"
    return f"{head}authorization: {authorization}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
