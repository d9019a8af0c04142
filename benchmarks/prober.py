"""A client that asks a cloud for something cheap, 50 times a second, in a process of its own.

    python -m benchmarks.prober URL ACCESS_KEY SECRET_KEY REGION

It asks until its standard input is closed, then prints the latencies in milliseconds as a JSON list, in the order in
which the requests were due. A latency counts from the moment when the request was due: a cloud that does not answer
makes all requests late that were due meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.figures import Values

PER_SECOND = 50
ANSWER_SECONDS = 60.0
"""Seconds after which a request counts as unanswered; its latency is this."""


@contextmanager
def probing(url: str, access_key: str, secret_key: str, region: str) -> Iterator[Values]:
    """Probe a cloud during the block; the list has the latencies in milliseconds after it."""
    command = [sys.executable, "-m", "benchmarks.prober", url, access_key, secret_key, region]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    found: Values = []
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        yield found
        output, _ = process.communicate(timeout=2 * ANSWER_SECONDS)
        found += json.loads(output)
    finally:
        process.kill()
        process.wait()


async def probe(url: str, credentials: Credentials, region: str) -> Values:
    """Send a request every 20 ms, however many are unanswered, until standard input is closed."""
    loop = asyncio.get_running_loop()
    end = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    begun, tasks = loop.time(), []
    print("probing", flush=True)
    while not end.done():
        due = begun + len(tasks) / PER_SECOND
        await asyncio.wait({end}, timeout=max(0.0, due - loop.time()))
        tasks.append(asyncio.ensure_future(_ask(url, credentials, region, due)))
    return list(await asyncio.gather(*tasks))


async def _ask(url: str, credentials: Credentials, region: str, due: float) -> float:
    """Send one GetCallerIdentity on a connection for itself; return the milliseconds since it was due."""
    loop, split = asyncio.get_running_loop(), urlsplit(url)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(split.hostname, split.port)
            writer.write(_request(url, credentials, region))
            status = await reader.readline()
            writer.close()
            assert b" 200 " in status, f"the probe was answered with {status!r}"
            return (loop.time() - due) * 1e3
    return ANSWER_SECONDS * 1e3


def _request(url: str, credentials: Credentials, region: str) -> bytes:
    """Return a signed request, made once a second."""
    return _signed(url, credentials, region, int(time.time()))


_made: dict[int, bytes] = {}


def _signed(url: str, credentials: Credentials, region: str, second: int) -> bytes:
    if second not in _made:
        body = "Action=GetCallerIdentity&Version=2011-06-15"
        request = AWSRequest("POST", url + "/", {"content-type": "application/x-www-form-urlencoded"}, body)
        SigV4Auth(credentials, "sts", region).add_auth(request)
        headers = {**request.headers, "host": urlsplit(url).netloc, "content-length": len(body), "connection": "close"}
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", body]
        _made.clear()
        _made[second] = "\r\n".join(lines).encode()
    return _made[second]


if __name__ == "__main__":
    _, target, access, secret, where = sys.argv
    print(json.dumps(asyncio.run(probe(target, Credentials(access, secret), where))))
