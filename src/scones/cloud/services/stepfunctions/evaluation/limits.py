"""Limits of worker processes, enforced by the kernel: a worker that exceeds one ends.

AWS limits the time, memory and depth of an evaluation, but does not publish the limits.
"""

from __future__ import annotations

import math
import resource
import time

EVALUATION_SECONDS = 5
"""CPU seconds for one expression, query or intrinsic function."""
DEFINITION_SECONDS = 20
"""CPU seconds for checking a definition (at most 1 MB)."""
MAX_WORKER_MEMORY = 512 * 1024 * 1024
"""Maximum bytes of a worker's private memory; only Linux enforces it."""


def restrict() -> None:
    """Limit this process's memory, and forbid it to write files and core dumps."""
    for kind, limit in (
        (resource.RLIMIT_DATA, MAX_WORKER_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def allow(seconds: int) -> None:
    """Allow this process `seconds` more CPU seconds, rounded up by less than one; then SIGXCPU ends it."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, hard))
