"""Scones' model server alone, and the endpoint in front of it with signed and captured requests."""

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
    """Return a function that starts the model server on the model in `base`/model, as the cloud does."""

    @contextmanager
    def start(folder: Path) -> Iterator[Target]:
        port = processes.free_port()
        settings = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(port)}
        command = [sys.executable, "-m", "scones.containers.image_classification", "serve"]
        with processes.server(command, folder, port, settings, "/ping") as process:
            yield Target(port, lambda content: post("/invocations", "image/png", content), bare_list, process)

    return start


def gateway(cloud: Cloud) -> Start:
    """Return a function that yields a running cloud's endpoint; the measured time includes signing each request."""
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
