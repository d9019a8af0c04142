"""The network names of a job's instances: algo-1, algo-2 and so on, each with a loopback address."""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from scones.cloud.process.hosts_file import HOSTS, write_hosts
from scones.cloud.process.sandbox import isolation

LOCK = Path(tempfile.gettempdir(), f"scones-{os.getuid()}-instances.lock")
LOOK_EVERY = 0.1


@asynccontextmanager
async def multi_instance_lock(cloud_lock: asyncio.Lock, on_wait: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Hold the machine's lock for jobs on several instances: one such job runs at a time, across all clouds.

    The processes of each such job meet at port 7777, and PyTorch listens there on all addresses. The jobs of one cloud
    wait for `cloud_lock` in their order. `on_wait` is called if another job holds the lock.
    """
    if cloud_lock.locked():
        await on_wait()
    async with cloud_lock:
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            waits = False
            while not _taken(lock):
                if not waits:
                    await on_wait()
                waits = True
                await asyncio.sleep(LOOK_EVERY)
            yield
        finally:
            os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hosts_file(folder: Path, names: list[str]) -> dict[str, Path]:
    """Write an /etc/hosts for a program into `folder`: the machine's entries, and a loopback address per instance.

    Returns the file by the path at which the program sees it, or {} if the machine cannot mount files. Blocks.
    """
    if isolation() is not None or not HOSTS.exists():
        return {}
    file = folder / "hosts"
    write_hosts(file, {name: f"127.77.{index >> 8}.{index & 255}" for index, name in enumerate(names, 1)})
    return {str(HOSTS): file}
