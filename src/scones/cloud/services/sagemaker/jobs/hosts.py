"""The instances of a job as they know each other: algo-1, algo-2 and so on, each at an address of this machine."""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from scones.cloud.hosts_file import HOSTS, write_hosts
from scones.cloud.sandbox import isolation

LOCK = Path(tempfile.gettempdir(), f"scones-{os.getuid()}-instances.lock")
LOOK_EVERY = 0.1


@asynccontextmanager
async def alone(turn: asyncio.Lock, on_wait: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Be the one job on this machine, whatever its cloud, that runs on several instances.

    Where their processes meet, port 7777, is the same in every job, and PyTorch listens there on all addresses.
    The jobs of one cloud take `turn` in their order. `on_wait` is called where another job is there first.
    """
    if turn.locked():
        await on_wait()
    async with turn:
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
    """Write a program's own /etc/hosts into `folder`: the machine's, and a loopback address for each instance.

    Returns the file by the path that the program sees it at; nothing where nothing can be mounted. Blocks.
    """
    if isolation() is not None or not HOSTS.exists():
        return {}
    file = folder / "hosts"
    write_hosts(file, {name: f"127.77.{index >> 8}.{index & 255}" for index, name in enumerate(names, 1)})
    return {str(HOSTS): file}
