"""Threads for long work on large request and response bodies."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

T = TypeVar("T")

THREAD_BYTES = 128 << 10
"""Size in bytes above which a body is hashed and parsed on a thread."""
_threads = ThreadPoolExecutor(2, thread_name_prefix="body")
"""Threads for large bodies. Two at most, so that others get the interpreter lock and the default threads."""


async def on_body_thread(work: Callable[[], T]) -> T:
    """Run long work on one of the threads for bodies."""
    return await asyncio.get_running_loop().run_in_executor(_threads, work)


async def sha256_hex(whole: bytes) -> str:
    """Return a body's SHA-256 in hex."""
    if len(whole) <= THREAD_BYTES:
        return hashlib.sha256(whole).hexdigest()
    return (await on_body_thread(partial(hashlib.sha256, whole))).hexdigest()
