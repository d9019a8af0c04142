"""Requests as bytes: signed with botocore and sent unchanged over a socket."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from benchmarks.prober import probing
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


def credentials(cloud: Any) -> Credentials:
    """Return the cloud's own keys."""
    keys = cloud.running.environment()
    return Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"])


def signed_headers(
    cloud: Any, service: str, body: bytes = b"", *, method: str = "POST", path: str = "/", **headers: str
) -> dict[str, str]:
    """Return the headers of a signed request; in the names of additional headers, underscores become hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, cloud.url + path, data=body, headers=given)
    declared = given.get("x-amz-content-sha256")
    if declared:
        request.context["payload"] = declared
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials(cloud), service, cloud.running.region)
    if declared:
        signer.payload = lambda _: declared  # type: ignore[method-assign]
    signer.add_auth(request)
    return dict(request.headers)


def send(
    cloud: Any, method: str, path: str, headers: Mapping[str, str | None], body: bytes = b"", *, seconds: float = 30
) -> tuple[int, str]:
    """Send a request unchanged; return the status code and the body of the response."""
    netloc = urlsplit(cloud.url).netloc
    host, _, port = netloc.partition(":")
    lines = {"Host": netloc, "Content-Length": str(len(body)), "Connection": "close"} | dict(headers)
    head = f"{method} {path} HTTP/1.1\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None) + "\r\n"
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        with contextlib.suppress(ConnectionError):  # the cloud does not read a rejected body to its end
            connection.sendall(head.encode("latin-1") + body)
        answer = b""
        while received := connection.recv(1 << 16):
            answer += received
    status, _, rest = answer.partition(b"\r\n")
    return int(status.split()[1]), rest.partition(b"\r\n\r\n")[2].decode()


def p99_during(cloud: Any, attack: Callable[[], object]) -> float:
    """Repeat an attack for about a second; return the 99th percentile of a second client's latencies, in seconds."""
    with probing(cloud.url, cloud.environment) as prober:
        end = time.monotonic() + 1
        attack()
        while time.monotonic() < end:
            attack()
    return prober.percentile(99)
