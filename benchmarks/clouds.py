"""Local clouds to measure: Scones, ministack and moto, with the same clients."""

from __future__ import annotations

import compileall
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.config import Config

import scones as scones_package
from benchmarks import processes
from benchmarks.peers import Peer
from scones.cloud.process import lifecycle

OURS = "Scones"
# Handlers run under ministack's own interpreter, and one of them imports boto3.
MINISTACK = Peer("ministack", "ministack", "1.5.33", ("boto3",))
MOTO = Peer("moto", "moto[server,all]", "5.2.5")
NO_LAMBDA = "runs no function without Docker"


@dataclass(frozen=True)
class Cloud:
    """A running local cloud and its clients."""

    name: str
    url: str
    process: psutil.Process
    access_key: str = "test"
    secret_key: str = "test"
    region: str = "us-east-1"

    def client(self, service: str, connections: int = 10, seconds: float = 300) -> Any:
        """Return a boto3 client with a user's usual settings, but without retries, which would hide failures."""
        session: Any = boto3  # the stubs type each service's own client
        return session.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                retries={"total_max_attempts": 1},
                proxies={},
                max_pool_connections=connections,
                read_timeout=seconds,
                s3={"addressing_style": "path"},
            ),
        )

    def environment(self) -> dict[str, str]:
        """Return the variables of a shell whose AWS CLI uses this cloud."""
        return processes.environment(
            {
                "AWS_ENDPOINT_URL": self.url,
                "AWS_ACCESS_KEY_ID": self.access_key,
                "AWS_SECRET_ACCESS_KEY": self.secret_key,
                "AWS_DEFAULT_REGION": self.region,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        )


@contextmanager
def scones(folder: Path) -> Iterator[Cloud]:
    """Run Scones on a free port, as `scones up` does."""
    try:
        running = lifecycle.start(folder, port=0)
        keys = running.environment()
        process = psutil.Process(running.pid)
        yield Cloud(
            OURS, running.url, process, keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], running.region
        )
    finally:
        lifecycle.stop(folder)


@contextmanager
def ministack(folder: Path, *, on_disk: bool = False) -> Iterator[Cloud]:
    """Run ministack's defaults, but on loopback and inside `folder`. With `on_disk`, S3 writes its objects to disk."""
    port = processes.free_port()
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "S3_PERSIST": str(int(on_disk)),
        "S3_DATA_DIR": str(folder / "s3"),
        "STATE_DIR": str(folder / "state"),
        "LOG_LEVEL": "WARNING",
    }
    name = "ministack, S3 on disk" if on_disk else "ministack"
    with processes.server([MINISTACK.script("ministack")], folder, port, settings, "/_ministack/health") as process:
        yield Cloud(name, f"http://127.0.0.1:{port}", process)


@contextmanager
def moto(folder: Path) -> Iterator[Cloud]:
    """Run moto's server with its defaults."""
    port = processes.free_port()
    command = [MOTO.script("moto_server"), "--host", "127.0.0.1", "--port", str(port)]
    with processes.server(command, folder, port, ready="/moto-api/") as process:
        yield Cloud("moto", f"http://127.0.0.1:{port}", process)


Starter = Callable[[Path], AbstractContextManager[Cloud]]
STARTERS: dict[str, Starter] = {OURS: scones, "ministack": ministack, "moto": moto}


@contextmanager
def running(folder: Path, *starters: Starter) -> Iterator[list[Cloud]]:
    """Run several clouds at the same time; idle ones do not affect the measurement."""
    install()
    with ExitStack() as stack:
        yield [stack.enter_context(start(folder / str(index))) for index, start in enumerate(starters)]


def start_up(name: str, folder: Path) -> float:
    """Return the seconds from the start of a cloud's process with an empty folder to its first response."""
    begun = time.perf_counter()
    with STARTERS[name](folder):
        return time.perf_counter() - begun


def install() -> None:
    """Install the peers before any measurement, and compile Scones' code, as pip does for the peers."""
    compileall.compile_dir(Path(scones_package.__file__).parent, quiet=1)
    for peer in (MINISTACK, MOTO):
        peer.python()
