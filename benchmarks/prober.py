"""A second client that measures a cloud's latency under load or attack.

    with probing(cloud.url, cloud.environment) as prober:
        attack()
    assert prober.percentile(99) < 1

It sends GetCallerIdentity 50 times a second from a separate process, regardless of unanswered calls. A latency counts
from the moment when the request was due: a cloud that stalls for a second delays 50 requests, not one.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PER_SECOND = 50
ANSWER_SECONDS = 60.0
"""Seconds after which a request counts as unanswered; its latency is this value."""
_BODY = "Action=GetCallerIdentity&Version=2011-06-15"


@dataclass
class Prober:
    """The latencies in seconds, in the order in which the requests were due; empty until the probing has ended."""

    latencies: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """Return the latency in seconds that `percent` of the probes did not exceed."""
        return sorted(self.latencies)[max(0, math.ceil(len(self.latencies) * percent / 100) - 1)]


@contextmanager
def probing(url: str, environment: Mapping[str, str]) -> Iterator[Prober]:
    """Probe a cloud until the block ends, with the keys in `environment`; then print the percentiles."""
    prober = Prober()
    command = [sys.executable, "-P", __file__, url]  # -P: modules next to this file must not be imported by name
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "probing\n", "the first probe was not answered"
        yield prober
        output, _ = process.communicate(timeout=2 * ANSWER_SECONDS)  # closes its standard input, which ends it
        prober.latencies = json.loads(output)
    finally:
        process.kill()
        process.communicate()
    shown = ", ".join(f"p{percent} {prober.percentile(percent) * 1000:.1f} ms" for percent in (50, 99, 100))
    print(f"{len(prober.latencies)} probes: {shown}")


async def _probe(url: str) -> list[float]:
    """Send a request every 20 ms until standard input is closed; return the latencies."""
    loop = asyncio.get_running_loop()
    await _ask(url, loop.time())
    end = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    print("probing", flush=True)
    begun = loop.time()
    tasks: list[asyncio.Future[float]] = []
    while not end.done():
        due = begun + len(tasks) / PER_SECOND
        await asyncio.wait({end}, timeout=max(0.0, due - loop.time()))
        tasks.append(asyncio.ensure_future(_ask(url, due)))
    return list(await asyncio.gather(*tasks))


async def _ask(url: str, due: float) -> float:
    """Send one request on an idle or new connection; return the seconds since it was due."""
    loop = asyncio.get_running_loop()
    with suppress(OSError, EOFError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await _connection(url)
            writer.write(_request(url, int(time.time())))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert b" 200 " in head.partition(b"\r\n")[0], f"the probe was answered with {head!r}"
            await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
            _idle.append((reader, writer))
            return loop.time() - due
    return ANSWER_SECONDS


async def _connection(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while _idle:
        reader, writer = _idle.pop()
        if not reader.at_eof():
            return reader, writer
        writer.close()
    split = urlsplit(url)
    return await asyncio.open_connection(split.hostname, split.port)


_idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
"""Idle connections."""
_made: dict[int, bytes] = {}


def _request(url: str, second: int) -> bytes:
    """Return a signed request, which is renewed once a second."""
    if second not in _made:
        request = AWSRequest("POST", url + "/", {"content-type": "application/x-www-form-urlencoded"}, _BODY)
        keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(keys, "sts", os.environ["AWS_DEFAULT_REGION"]).add_auth(request)
        headers = {**request.headers, "host": urlsplit(url).netloc, "content-length": len(_BODY)}
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", _BODY]
        _made.clear()
        _made[second] = "\r\n".join(lines).encode()
    return _made[second]


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_probe(sys.argv[1]))))
