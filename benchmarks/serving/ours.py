"""Scones' model server by itself, and the endpoint before it: signed requests, every one captured."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import processes
from benchmarks.clouds import Cloud
from benchmarks.serving import endpoint
from benchmarks.serving.signing import sign
from benchmarks.serving.target import Start, Target, bare_list, post


def model_server(base: Path) -> Start:
    """Return what starts the model server on the model in `base`/model, as the cloud starts it."""

    @contextmanager
    def start(folder: Path) -> Iterator[Target]:
        port = processes.free_port()
        settings = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(port)}
        command = [sys.executable, "-m", "scones.algorithm", "serve"]
        with processes.server(command, folder, port, settings, "/ping") as process:
            yield Target(port, lambda content: post("/invocations", "image/png", content), bare_list, process)

    return start


def gateway(cloud: Cloud) -> Start:
    """Return what gives the endpoint of a cloud that runs already; each request is signed within the timed loop."""
    host = cloud.url.removeprefix("http://")
    keys = (cloud.access_key, cloud.secret_key)
    path = f"/endpoints/{endpoint.NAME}/invocations"

    @contextmanager
    def start(_: Path) -> Iterator[Target]:
        port = int(host.rpartition(":")[2])
        yield Target(
            port, lambda content: sign(path, host, content, "image/png", keys, cloud.region), bare_list, cloud.process
        )

    return start
