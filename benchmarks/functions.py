"""Lambda: invocations of functions that do nothing, print, or import boto3."""

from __future__ import annotations

import io
import itertools
import sys
import time
import zipfile
from functools import partial
from typing import Any

from benchmarks.clouds import NO_LAMBDA, OURS, Cloud
from benchmarks.figures import Cell, Row, Scale, interleaved, percentile, timed

PART = "Lambda"
ROLE = "arn:aws:iam::111122223333:role/benchmark"
RUNTIME = f"python3.{sys.version_info.minor}"
"""The runtime of the functions: the version of the interpreter that all peers use."""
QUIET = "def handler(event, context):\n    return event\n"
PRINTING = "def handler(event, context):\n    print('hello')\n    return event\n"
IMPORTING = "import boto3\n\n\ndef handler(event, context):\n    return boto3.__version__\n"


def make(client: Any, name: str, code: str) -> str:
    """Create a function and return its ARN once it is active."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", code)
    made = client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=ROLE,
        Handler="handler.handler",
        Timeout=30,
        MemorySize=256,
        Code={"ZipFile": archive.getvalue()},
    )
    while client.get_function_configuration(FunctionName=name).get("State", "Active") != "Active":
        time.sleep(0.01)
    arn: str = made["FunctionArn"]
    return arn


class Functions:
    """One cloud's Lambda."""

    def __init__(self, cloud: Cloud, scale: Scale) -> None:
        self._client, self._scale, self._numbers = cloud.client("lambda"), scale, itertools.count()
        make(self._client, "quiet", QUIET)
        make(self._client, "printing", PRINTING)

    def quiet(self) -> float:
        """Return the median milliseconds of a warm invocation whose handler prints nothing."""
        return self._warm("quiet")

    def printing(self) -> float:
        """Return the median milliseconds of a warm invocation whose handler prints a line."""
        return self._warm("printing")

    def cold(self) -> float:
        """Return the median milliseconds of the first invocations of new functions that import boto3."""
        times = []
        for _ in range(self._scale.calls(10)):
            name = f"cold-{next(self._numbers)}"
            make(self._client, name, IMPORTING)
            times += timed(partial(self._invoke, name, b"{}"), 1, warm_up=0)
            self._client.delete_function(FunctionName=name)
        return percentile(times, 50)

    def _warm(self, name: str) -> float:
        times = timed(lambda: self._invoke(name, b'{"n": 1}'), self._scale.calls(300), self._scale.calls(30))
        return percentile(times, 50)

    def _invoke(self, name: str, payload: bytes) -> None:
        answer = self._client.invoke(FunctionName=name, Payload=payload)
        assert "FunctionError" not in answer, answer["Payload"].read()


def measure(clouds: list[Cloud], scale: Scale) -> list[Row]:
    """Return the rows of Lambda."""
    subjects = {cloud.name: Functions(cloud, scale) for cloud in clouds}
    lacking: dict[str, Cell] = {"moto": NO_LAMBDA}
    rows = []
    for what, method, goal in (
        ("warm Invoke, the handler prints nothing, p50", "quiet", 3),
        ("warm Invoke, the handler prints, p50", "printing", 3),
        ("cold Invoke, the handler imports boto3, p50", "cold", 150),
    ):
        cells = interleaved({name: getattr(subject, method) for name, subject in subjects.items()}, scale.repeats)
        rows.append(Row(PART, what, "ms", cells | lacking))
        rows[-1].want_at_most(OURS, goal)
    return rows
