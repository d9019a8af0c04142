"""A second client that measures the cloud's answers while a test does something else to it.

    with probing(cloud) as prober:
        attack()
    assert prober.percentile(99) < 1

It signs GetCallerIdentity 50 times a second in a process of its own. A latency counts from the moment at which the
request was due, so a cloud that stalls for a second makes 50 requests late and not one.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_PER_SECOND = 50
_LONGEST = 60.0
"""Seconds after which a request is given up; its latency is then at least this."""
_BODY = b"Action=GetCallerIdentity&Version=2011-06-15"


@dataclass
class Prober:
    """The latencies of the probes in seconds, sorted; empty until the probing has ended."""

    latencies: list[float] = field(default_factory=list)

    def percentile(self, percent: float) -> float:
        """Return the latency in seconds that `percent` of the probes did not exceed."""
        return self.latencies[max(0, math.ceil(len(self.latencies) * percent / 100) - 1)]


@contextmanager
def probing(cloud: Any) -> Iterator[Prober]:
    """Probe a cloud (a `CloudUnderTest`) until the block ends, then print the percentiles."""
    prober = Prober()
    command = [sys.executable, __file__, cloud.url]
    environment = os.environ | cloud.running.environment()
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n", "the first probe was not answered"
            yield prober
        finally:
            process.stdin.close()  # ends the probing
            answers = process.stdout.read()
    prober.latencies = sorted(json.loads(answers))
    shown = ", ".join(f"p{percent} {prober.percentile(percent) * 1000:.1f} ms" for percent in (50, 99, 100))
    print(f"{len(prober.latencies)} probes: {shown}")


def _main(url: str) -> None:
    latencies: list[float] = []
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_LONGEST)
    _probe(connection, url)
    print("ready", flush=True)
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0, due - time.monotonic()))[0]:
        try:
            _probe(connection, url)
        except (OSError, http.client.HTTPException):  # it opens a new connection for the next request
            connection.close()
            latencies.append(max(_LONGEST, time.monotonic() - due))
        else:
            latencies.append(time.monotonic() - due)
        due += 1 / _PER_SECOND
    print(json.dumps(latencies))


def _probe(connection: http.client.HTTPConnection, url: str) -> None:
    request = AWSRequest("POST", url + "/", {"Content-Type": "application/x-www-form-urlencoded"}, _BODY)
    keys = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    SigV4Auth(keys, "sts", os.environ["AWS_DEFAULT_REGION"]).add_auth(request)
    connection.request("POST", "/", _BODY, dict(request.headers))
    response = connection.getresponse()
    body = response.read()
    assert response.status == 200, body


if __name__ == "__main__":
    _main(sys.argv[1])
