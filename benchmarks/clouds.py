"""Local clouds to measure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from scones.cloud import lifecycle


@dataclass(frozen=True)
class Cloud:
    """A running local cloud and its clients."""

    running: lifecycle.RunningCloud

    def client(self, service: str) -> Any:
        """Return a boto3 client as a user would make it, but for retries, which would hide failures."""
        keys = self.running.environment()
        session: Any = boto3  # the stubs type each service's own client
        return session.client(
            service,
            endpoint_url=self.running.url,
            region_name=self.running.region,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}),
        )


def cold_start(data_dir: Path) -> float:
    """Return the seconds from starting a process on an empty data folder to its first healthy answer."""
    begun = time.perf_counter()
    lifecycle.start(data_dir, port=0)
    seconds = time.perf_counter() - begun
    lifecycle.stop(data_dir)
    return seconds


@contextmanager
def running(data_dir: Path) -> Iterator[Cloud]:
    """Run a local cloud on a free port."""
    try:
        yield Cloud(lifecycle.start(data_dir, port=0))
    finally:
        lifecycle.stop(data_dir)
