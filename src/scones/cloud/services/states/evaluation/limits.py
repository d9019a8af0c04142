"""What a worker process may take, which the kernel enforces: a worker that exceeds it is killed.

AWS bounds the time, the memory and the depth of an evaluation, and publishes none of these bounds.
"""

from __future__ import annotations

import math
import resource
import time

EVALUATION_SECONDS = 5
"""Seconds of CPU for one expression, query or intrinsic function."""
DEFINITION_SECONDS = 20
"""Seconds of CPU for checking a definition, which has at most 1 MB."""
MEMORY = 512 * 1024 * 1024
"""Bytes of private memory of a worker. Only Linux enforces it."""


def restrict() -> None:
    """Bound this process's memory; it writes no files and dumps no core."""
    for kind, most in ((resource.RLIMIT_DATA, MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(kind, (most, most))


def allow(seconds: int) -> None:
    """Give this process so many more seconds of CPU, and less than one on top; SIGXCPU ends it then."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, hard))
