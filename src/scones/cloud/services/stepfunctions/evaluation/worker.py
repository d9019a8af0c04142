"""The program of a worker process: reads jobs from a socket and writes their replies, one job at a time.

File descriptor 0 is the socket. File descriptor 1 is the read end of a pipe whose write end the cloud holds open: when
the cloud ends, the kernel sends SIGIO, which ends this process even in the middle of an evaluation.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import sys

from scones.cloud.services.stepfunctions.evaluation import jobs, limits
from scones.cloud.services.stepfunctions.evaluation.frames import receive, send

STARTER = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {module} import main; main()".format(
    module="scones.cloud.services.stepfunctions.evaluation.worker"
)
"""Argument of `python -c` that runs this program; the next argument is the cloud's sys.path as JSON."""
OUT_OF_MEMORY = 70
"""Exit status of a worker whose job exceeded the memory limit."""
TOO_DEEP = 71
"""Exit status of a worker whose job exceeded Python's recursion limit."""
BROKEN = 72
"""Exit status of a worker whose engine raised an unexpected error."""
_LIFELINE = 1
_NICENESS = 5


def main() -> None:
    """Serve jobs until the cloud closes the socket."""
    _end_with_the_cloud()
    os.nice(_NICENESS)  # requests have priority over evaluations
    limits.restrict()
    with socket.socket(fileno=0) as connection:
        while (frames := receive(connection)) is not None:
            try:
                _serve(connection, frames)
            except MemoryError:
                os._exit(OUT_OF_MEMORY)
            except RecursionError:
                os._exit(TOO_DEEP)
            except OSError:  # the cloud has ended
                sys.exit(0)
            except Exception:  # a bug in the engine, whose state is now unknown
                os._exit(BROKEN)


def _end_with_the_cloud() -> None:
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(_LIFELINE, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(_LIFELINE, fcntl.F_GETFL)
    fcntl.fcntl(_LIFELINE, fcntl.F_SETFL, flags | os.O_ASYNC)


def _serve(connection: socket.socket, frames: list[bytes]) -> None:
    kind, names = json.loads(frames[0])
    arguments = dict(zip(names, map(json.loads, frames[1:]), strict=True))
    for reply in jobs.replies(kind, arguments):
        send(connection, json.dumps(reply).encode())
    send(connection, b"")
